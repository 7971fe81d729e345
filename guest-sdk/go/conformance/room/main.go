// The program for connections that share an instance: docs/conformance.md.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"socklet/guest"
	"socklet/guest/snapshot"
)

// How many have come to the room.
var messages uint64

type member struct{ guest.Base }

func (m *member) OnReady(conn guest.Conn, request *guest.Request) {
	// Itself is none of them yet.
	conn.WriteText(fmt.Sprintf("ready %d", len(guest.Conns())+1))
	guest.Broadcast(guest.Text(fmt.Sprintf("+%d", conn.ID())))
}

func (m *member) OnMessage(conn guest.Conn, message guest.Message) {
	messages++
	text, _ := message.(guest.Text)
	command, rest, _ := strings.Cut(string(text), " ")
	switch command {
	case "/members":
		conn.WriteText(strconv.Itoa(len(guest.Conns())))
	case "/others":
		guest.Broadcast(guest.Text(rest), conn)
	case "/count":
		conn.WriteText(strconv.FormatUint(messages, 10))
	case "/fail":
		panic(rest)
	default:
		guest.Broadcast(message)
	}
}

func (m *member) OnClose(conn guest.Conn, event guest.CloseEvent) {
	guest.Broadcast(guest.Text(fmt.Sprintf("-%d", conn.ID())))
}

// A member has nothing to remember.

func (m *member) Save() ([]byte, error) { return nil, nil }

func (m *member) Restore(guest.Conn, uint32, []byte) error { return nil }

func save() ([]byte, error) { return binary.LittleEndian.AppendUint64(nil, messages), nil }

func restore(schema uint32, saved []byte) error {
	if len(saved) != 8 {
		return errors.New("the state is torn")
	}
	messages = binary.LittleEndian.Uint64(saved)
	return nil
}

func init() {
	guest.Serve[member]()
	snapshot.Keep(snapshot.Schema{Newest: 1})
	snapshot.Shared(save, restore)
}

func main() {}
