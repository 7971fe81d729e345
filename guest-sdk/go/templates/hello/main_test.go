package main

import (
	"slices"
	"testing"

	"socklet/guest"
	"socklet/guest/guesttest"
)

func TestHello(t *testing.T) {
	host := guesttest.New(t)
	peer := host.Connect("/{{name}}")
	if got := peer.Next(); got != guest.Text("Hello!") {
		t.Errorf("it says %v", got)
	}

	peer.Send(guest.Text("Good morning"))
	peer.Send(guest.Binary{0, 1, 2})
	peer.Close(1000, "")
	want := []string{"info: Good morning", "info: <3 bytes>", "info: Disconnected"}
	if got := host.Logged(); !slices.Equal(got, want) {
		t.Errorf("it logs %q", got)
	}
}
