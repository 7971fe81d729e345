package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"socklet/guest"
	"socklet/guest/guesttest"
)

// All that was written to a peer and not yet taken.
func told(peer *guesttest.Peer) []string {
	var told []string
	for message := peer.Next(); message != nil; message = peer.Next() {
		told = append(told, message.String())
	}
	return told
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A host with an empty room, whatever was said in another test.
func newHost(t *testing.T) *guesttest.Host {
	lines = nil
	return guesttest.New(t)
}

func TestEveryoneReadsWhatOneSays(t *testing.T) {
	host := newHost(t)
	ada := host.Connect("/{{name}}/blue?name=Ada")
	bob := host.Connect("/{{name}}/blue?name=Bob")
	ada.Send(guest.Text("Hello!"))
	bob.Close(1000, "")
	expect(t, told(ada), "* Ada joined", "* Bob joined", "Ada: Hello!", "* Bob left")
	expect(t, told(bob), "* Bob joined", "Ada: Hello!")
}

func TestAJoinerIsToldTheLastLines(t *testing.T) {
	host := newHost(t)
	ada := host.Connect("/{{name}}/blue?name=Ada")
	for number := range keptLines + 2 {
		ada.Send(guest.Text(fmt.Sprint(number)))
	}
	got := told(host.Connect("/{{name}}/blue"))
	if len(got) != keptLines+1 {
		t.Fatalf("a joiner is told %d lines", len(got))
	}
	expect(t, []string{got[0], got[keptLines]}, "Ada: 2", "* guest joined")
}

// An old version is asked what a new one is given, as the host does it in a swap.
func TestTheRoomGoesOnInANewVersion(t *testing.T) {
	host := newHost(t)
	ada := host.Connect("/{{name}}/blue?name=Ada")
	ada.Send(guest.Text("Hello!"))
	ada.Send(guest.Text(""))
	room, _ := saveRoom()
	name, _ := guest.HandlerOf(ada.Conn).(*chat).Save()

	lines = nil
	var next chat
	if err := restoreRoom(1, room); err != nil {
		t.Fatal(err)
	}
	if err := next.Restore(ada.Conn, 1, name); err != nil {
		t.Fatal(err)
	}
	bob := host.Connect("/{{name}}/blue?name=Bob")
	next.OnMessage(ada.Conn, guest.Text("still Ada"))
	expect(t, told(bob), "Ada: Hello!", "Ada: ", "* Bob joined", "Ada: still Ada")

	if err := restoreRoom(1, room[:len(room)-1]); err == nil {
		t.Error("a torn state is restored")
	}
}

func TestItIsForShortTexts(t *testing.T) {
	ada := newHost(t).Connect("/{{name}}/blue?name=Ada")
	told(ada)
	ada.Send(guest.Text(strings.Repeat("x", longestText+1)))
	expect(t, told(ada), "* a text may have 4096 bytes")
	ada.Send(guest.Binary{0, 1, 2})
	if ada.Code() != 1003 || len(lines) != 0 {
		t.Errorf("it closes with %d, and keeps %q", ada.Code(), lines)
	}
}

func TestANameCanLookLikeNoLine(t *testing.T) {
	for asked, want := range map[string]string{
		"* Ada: hi\n":         "Ada hi",
		" :* ":                "guest",
		"Mary-Ann O'Neil_2.":  "Mary-Ann O'Neil_2.",
		"李小龙 عمر":             "李小龙 عمر",
		"\u202eadA\u200b\xff": "adA",
		"éé éé" + strings.Repeat(" ", longestName) + "é": "éé éé",
		strings.Repeat("é", longestName+1):               strings.Repeat("é", longestName),
	} {
		if got := nameOf(asked); got != want {
			t.Errorf("%q is called %q", asked, got)
		}
	}
}
