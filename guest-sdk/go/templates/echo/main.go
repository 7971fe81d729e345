// Sends each message back, text as text and binary as binary.
package main

import "socklet/guest"

type echo struct{ guest.Base }

func (e *echo) OnMessage(conn guest.Conn, message guest.Message) {
	conn.Write(message)
}

func init() { guest.Serve[echo]() }

// A component has no main that runs, but Go wants one.
func main() {}
