// Greets each peer, logs what it says, and logs that it left.
package main

import (
	"log"

	"socklet/guest"
)

// There is one value for each connection: its fields are the connection's state.
type hello struct{ guest.Base }

// A connection is open.
func (h *hello) OnReady(conn guest.Conn, request *guest.Request) {
	conn.WriteText("Hello!")
}

// The peer sent a message: a guest.Text or a guest.Binary.
func (h *hello) OnMessage(conn guest.Conn, message guest.Message) {
	log.Print(message)
}

// The connection has ended.
func (h *hello) OnClose(conn guest.Conn, event guest.CloseEvent) {
	log.Print("Disconnected")
}

func init() { guest.Serve[hello]() }

// A component has no main that runs, but Go wants one.
func main() {}
