// A chat: what one says, everyone in the room reads. The README has the format.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"socklet/guest"
	"socklet/guest/snapshot"
)

const (
	// How many lines a joiner is told.
	keptLines = 50
	// In bytes. So all that is kept fits into a joiner's queue, which has 1 MiB.
	longestText = 4 * 1024
	// In characters.
	longestName = 32
)

// The last lines that were said, oldest first. All connections of a room share the instance,
// and so its package variables.
var lines []string

// There is one value for each connection, with what the room knows of it.
type chat struct {
	guest.Base
	name string
}

// Somebody has come.
func (c *chat) OnReady(conn guest.Conn, request *guest.Request) {
	for _, line := range lines {
		conn.WriteText(line)
	}
	// Of `?name=Ada`.
	asked, _ := request.Query("name")
	c.name = nameOf(asked)
	joined := guest.Text(fmt.Sprintf("* %s joined", c.name))
	conn.Write(joined)
	// To the others: this one is a member when this has returned.
	guest.Broadcast(joined)
}

func (c *chat) OnMessage(conn guest.Conn, message guest.Message) {
	text, isText := message.(guest.Text)
	switch {
	case !isText:
		conn.Close(1003, "text only")
	case len(text) > longestText:
		conn.WriteText(fmt.Sprintf("* a text may have %d bytes", longestText))
	default:
		line := fmt.Sprintf("%s: %s", c.name, text)
		guest.Broadcast(guest.Text(line))
		keep(line)
	}
}

// Somebody has gone, and is no member any more.
func (c *chat) OnClose(conn guest.Conn, event guest.CloseEvent) {
	guest.Broadcast(guest.Text(fmt.Sprintf("* %s left", c.name)))
}

func keep(line string) {
	if len(lines) == keptLines {
		lines = slices.Delete(lines, 0, 1)
	}
	lines = append(lines, line)
}

// The name that was asked for, without what could make a line look like another: letters and
// digits of any script, spaces, and `-_.'` are left.
func nameOf(asked string) string {
	fitting := strings.Map(func(character rune) rune {
		if strings.ContainsRune(" -_.'", character) || unicode.In(character, unicode.Letter,
			unicode.Other_Alphabetic, unicode.Number) {
			return character
		}
		return -1
	}, asked)
	name := []rune(strings.TrimSpace(fitting))
	name = name[:min(len(name), longestName)]
	if len(name) == 0 {
		return "guest"
	}
	return strings.TrimSpace(string(name))
}

// When this file has changed and was built, the new version takes the room up as it was, with
// everyone in it: what is saved and restored from here on.

// Save is what goes on of a connection: the name.
func (c *chat) Save() ([]byte, error) { return []byte(c.name), nil }

// Restore takes a connection up, in place of OnReady.
func (c *chat) Restore(conn guest.Conn, schema uint32, saved []byte) error {
	c.name = string(saved)
	return nil
}

// Each line has its length before it.
func saveRoom() ([]byte, error) {
	var saved []byte
	for _, line := range lines {
		saved = binary.AppendUvarint(saved, uint64(len(line)))
		saved = append(saved, line...)
	}
	return saved, nil
}

func restoreRoom(schema uint32, saved []byte) error {
	for len(saved) > 0 {
		length, size := binary.Uvarint(saved)
		saved = saved[max(size, 0):]
		if size <= 0 || length > uint64(len(saved)) {
			return errors.New("a line is torn")
		}
		keep(string(saved[:length]))
		saved = saved[length:]
	}
	return nil
}

func init() {
	guest.Serve[chat]()
	// Count the schema up when the form of what is saved changes.
	snapshot.Keep(snapshot.Schema{Newest: 1})
	snapshot.Shared(saveRoom, restoreRoom)
}

// A component has no main that runs, but Go wants one.
func main() {}
