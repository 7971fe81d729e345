// Package guest lets you write WebSocket handlers for socklet in Go.
//
// A handler is a type with [Base] in it. There is one value of it for each connection, and
// its methods are the connection's events:
//
//	package main
//
//	import "socklet/guest"
//
//	type echo struct{ guest.Base }
//
//	func (e *echo) OnMessage(conn guest.Conn, message guest.Message) {
//		conn.Write(message)
//	}
//
//	func init() { guest.Serve[echo]() }
//
//	func main() {}
//
// A component has no main that runs: what is to be done first is done in init. Where nothing
// is served, the log says so for each connection, and it is closed with 1011.
//
// One event runs at a time, to its end. A goroutine that an event starts runs while that
// event or a later one waits for something, and at no other time: wait for it, with a
// [sync.WaitGroup] or a channel, before the event returns.
//
// A panic is logged with its stack, and closes the connection of the event with 1011. The
// instance lives on, and so do its other connections. What Go itself ends a program for
// ends the instance: no memory left, a deadlock, a map written to by two goroutines.
//
// What [log] writes goes to the host's log, and what is printed does as well, line by line.
// For [log/slog] with its levels there is [socklet/guest/slog].
//
// Packages beside this one add to it, and what a handler does not import its component
// neither imports nor exports: [socklet/guest/topics] publishes and subscribes,
// [socklet/guest/timers] sets timers, [socklet/guest/gate] decides who may connect,
// [socklet/guest/snapshot] keeps state over swaps, and [socklet/guest/http] sends requests to
// servers elsewhere. [socklet/guest/guesttest] runs a handler in an ordinary test, which also
// finds methods that are misspelt.
package guest
