// The program that every SDK has: docs/conformance.md.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"strconv"
	"strings"

	"socklet/guest"
	"socklet/guest/gate"
	"socklet/guest/snapshot"
	"socklet/guest/timers"
)

// A timer's text, and whether it goes off again.
type reminder struct {
	Text    string
	Repeats bool
}

type conformance struct {
	guest.Base
	Messages  int
	Last      timers.Timer
	Reminders map[timers.Timer]reminder

	// Not kept over a swap.
	request        *guest.Request
	refusesSuspend bool
}

func (c *conformance) OnReady(conn guest.Conn, request *guest.Request) {
	c.request = request
	c.Reminders = map[timers.Timer]reminder{}
	conn.WriteText("ready " + request.Path)
}

func (c *conformance) OnMessage(conn guest.Conn, message guest.Message) {
	c.Messages++
	text, isText := message.(guest.Text)
	line, isCommand := strings.CutPrefix(string(text), "/")
	if !isText || !isCommand {
		conn.Write(message)
		return
	}
	name, rest, _ := strings.Cut(line, " ")
	if command, found := commands[name]; found {
		command(&call{c, conn, rest})
	} else {
		conn.WriteText("unknown")
	}
}

func (c *conformance) OnClose(conn guest.Conn, event guest.CloseEvent) {
	log.Printf("closed origin=%v code=%d detail=%s reason=%s", event.Origin, event.Code, event.Detail, event.Reason)
}

func (c *conformance) OnAlarm(conn guest.Conn, timer timers.Timer) {
	if due, found := c.Reminders[timer]; found {
		conn.WriteText("alarm " + due.Text)
		if !due.Repeats {
			delete(c.Reminders, timer)
		}
	}
}

func (c *conformance) Save() ([]byte, error) {
	if c.refusesSuspend {
		return nil, errors.New("as asked")
	}
	return json.Marshal(c)
}

func (c *conformance) Restore(conn guest.Conn, schema uint32, saved []byte) error {
	c.request = &guest.Request{}
	return json.Unmarshal(saved, c)
}

func onRequest(conn guest.Conn, request *guest.Request) gate.Answer {
	if refuse, found := request.Query("refuse"); found {
		status, _ := strconv.Atoi(refuse)
		return gate.Reject(uint16(status), "refused").Header("x-conformance", "refused")
	}
	answer := gate.Accept().Header("x-conformance", "accepted")
	if text, found := request.Query("attach"); found {
		answer = answer.Attach([]byte(text))
	}
	if url, found := request.Query("ask"); found {
		answer = answer.Attach([]byte(ask(url)))
	}
	if name, found := request.Query("agree"); found {
		answer = answer.Agree(name)
	}
	return answer
}

func init() {
	guest.Serve[conformance]()
	gate.Use(onRequest)
	snapshot.Keep(snapshot.Schema{Newest: 1})
}

func main() {}
