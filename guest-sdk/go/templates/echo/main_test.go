package main

import (
	"testing"

	"socklet/guest"
	"socklet/guest/guesttest"
)

func TestEcho(t *testing.T) {
	peer := guesttest.New(t).Connect("/{{name}}")
	peer.Send(guest.Text("Is anybody there?"))
	if got := peer.Next(); got != guest.Text("Is anybody there?") {
		t.Errorf("it says %v", got)
	}
	peer.Send(guest.Binary{0, 255})
	if got, ok := peer.Next().(guest.Binary); !ok || string(got) != "\x00\xff" {
		t.Errorf("it says %v", got)
	}
}
