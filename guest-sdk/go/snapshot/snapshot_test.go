package snapshot

import (
	"errors"
	"strings"
	"testing"
	"time"

	"socklet/guest"
	"socklet/guest/guesttest"
	"socklet/guest/timers"
)

type counter struct {
	guest.Base
	messages byte
	refuses  bool
}

func (c *counter) OnReady(conn guest.Conn, _ *guest.Request) {
	if _, err := timers.Every(conn, time.Second); err != nil {
		panic(err)
	}
}

func (c *counter) OnMessage(conn guest.Conn, message guest.Message) {
	c.messages++
	c.refuses = message == guest.Message(guest.Text("refuse"))
	if message == guest.Message(guest.Text("panic")) {
		c.messages = 255
	}
}

func (c *counter) OnAlarm(conn guest.Conn, _ timers.Timer) { conn.Write(guest.Binary{c.messages}) }

func (c *counter) Save() ([]byte, error) {
	if c.messages == 255 {
		panic("too many")
	}
	if c.refuses {
		return nil, errors.New("as asked")
	}
	return []byte{c.messages}, nil
}

func (c *counter) Restore(_ guest.Conn, schema uint32, saved []byte) error {
	c.messages = saved[0] + byte(schema)*100
	return nil
}

func init() {
	guest.Serve[counter]()
	Keep(Schema{Newest: 2, Oldest: 1})
}

func state(t *testing.T) []byte {
	t.Helper()
	state, err := suspend()
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// As the host does, but that the old instance and the new one are the same here.
func endAll(t *testing.T, peers ...*guesttest.Peer) {
	t.Helper()
	for _, peer := range peers {
		peer.Close(1000, "")
	}
	if left := len(guest.Conns()); left > 0 {
		t.Fatalf("%d are left", left)
	}
}

func TestAStateIsTakenUp(t *testing.T) {
	host := guesttest.New(t)
	a, b := host.Connect("/a"), host.Connect("/b")
	a.Send(guest.Text("one"))
	a.Send(guest.Text("two"))
	saved := state(t)
	endAll(t, a, b)
	if err := resume(2, saved); err != nil {
		t.Fatal(err)
	}
	if got := guest.HandlerOf(a.Conn).(*counter).messages; got != 202 {
		t.Errorf("a has %d", got)
	}
	if got := guest.HandlerOf(b.Conn).(*counter).messages; got != 200 {
		t.Errorf("b has %d", got)
	}
	// The timers are the host's: only whose they are is kept.
	if left := len(state(t)); left != len(saved) {
		t.Errorf("%d bytes of %d", left, len(saved))
	}
}

func TestASchemaThatIsNotKnownIsRefused(t *testing.T) {
	for schema, known := range map[uint32]bool{0: false, 1: true, 2: true, 3: false} {
		err := resume(schema, make([]byte, 24))
		if known != (err == nil) || !known && err != ErrUnknownSchema {
			t.Errorf("schema %d: %v", schema, err)
		}
	}
}

func TestATornStateIsRefused(t *testing.T) {
	for size := range 24 {
		if err := resume(2, make([]byte, size)); err != errTorn {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestASaveThatFailsSaysWhy(t *testing.T) {
	host := guesttest.New(t)
	peer := host.Connect("/a")
	peer.Send(guest.Text("refuse"))
	if _, err := suspend(); err == nil || err.Error() != "as asked" {
		t.Error(err)
	}
	peer.Send(guest.Text("panic"))
	if _, err := suspend(); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Error(err)
	}
	if peer.Code() != 0 {
		t.Error("the connection is closed")
	}
}

func TestTimersGoOff(t *testing.T) {
	host := guesttest.New(t)
	peer := host.Connect("/a")
	host.Advance(2500 * time.Millisecond)
	if peer.Next() == nil || peer.Next() == nil || peer.Next() != nil {
		t.Error("not twice")
	}
	peer.Close(1000, "")
	host.Advance(time.Minute)
	if peer.Next() != nil {
		t.Error("it goes off after the end")
	}
}
