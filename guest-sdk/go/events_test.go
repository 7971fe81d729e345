package guest_test

import (
	"fmt"
	"slices"
	"testing"

	"socklet/guest"
	"socklet/guest/guesttest"
	"socklet/guest/internal/host"
)

// failures is a test that remembers what it failed for.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Errorf(format string, arguments ...any) {
	f.said = append(f.said, fmt.Sprintf(format, arguments...))
}

type misspelt struct{ guest.Base }

func (*misspelt) OnMesage(guest.Conn, guest.Message) {}
func (*misspelt) OnAlarm(guest.Conn)                 {}
func (*misspelt) Once()                              {}

func TestAMisspeltEventFailsATest(t *testing.T) {
	defer guest.Unserve()()
	guest.Serve[misspelt]()
	seen := &failures{TB: t}
	guesttest.New(seen).Connect("/")
	want := []string{
		"nobody calls *guest_test.misspelt.OnAlarm: an event is OnAlarm(guest.Conn, timers.Timer)",
		"nobody calls *guest_test.misspelt.OnMesage: events are OnReady, OnMessage, OnClose and OnAlarm. " +
			"Name a method of your own otherwise",
	}
	if !slices.Equal(seen.said, want) {
		t.Errorf("it says %q", seen.said)
	}
}

func TestWhereNothingIsServedTheLogSaysSo(t *testing.T) {
	defer guest.Unserve()()
	h := guesttest.New(t)
	host.Events.OnReady(7, host.Request{Path: "/"})
	host.Events.OnMessage(7, "hi", nil, true)
	host.Events.OnClose(7, host.CloseEvent{})
	expect(t, h.Logged(), []string{"error: nothing is served: call guest.Serve in an init function (a component runs no main)"})
}
