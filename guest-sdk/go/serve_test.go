package guest_test

import (
	"reflect"
	"strings"
	"testing"

	"socklet/guest"
	"socklet/guest/guesttest"
)

// What of a connection's life the handler has seen.
type recorder struct {
	guest.Base
	path string
}

func (r *recorder) OnReady(conn guest.Conn, request *guest.Request) {
	r.path = request.Path
	if _, fails := request.Query("fail"); fails {
		panic("as asked")
	}
	conn.WriteText("ready")
}

func (r *recorder) OnMessage(conn guest.Conn, message guest.Message) {
	switch message.String() {
	case "panic":
		var nothing map[string]int
		nothing["x"]++
	case "others":
		guest.Broadcast(message, conn)
	case "large":
		conn.Write(make(guest.Binary, 1<<20+1))
	case "bad":
		conn.WriteText("\xff")
	default:
		conn.Write(message)
	}
}

func (r *recorder) OnClose(conn guest.Conn, event guest.CloseEvent) {
	guest.Logf(guest.LevelInfo, "%s ended: %v %d %s", r.path, event.Origin, event.Code, event.Reason)
}

func init() { guest.Serve[recorder]() }

func expect(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

func TestEachConnectionHasAHandlerOfItsOwn(t *testing.T) {
	host := guesttest.New(t)
	a, b := host.Connect("/a"), host.Connect("/b")
	expect(t, a.Next(), guest.Text("ready"))
	a.Send(guest.Text("hi"))
	expect(t, a.Next(), guest.Text("hi"))
	a.Send(guest.Binary{0, 255})
	expect(t, a.Next(), guest.Binary{0, 255})
	expect(t, guest.Conns(), []guest.Conn{a.Conn, b.Conn})
	a.Close(4000, "bye")
	expect(t, host.Logged(), []string{"info: /a ended: peer 4000 bye"})
	expect(t, guest.Conns(), []guest.Conn{b.Conn})
	expect(t, guest.HandlerOf(b.Conn).(*recorder).path, "/b")
}

func TestABroadcastReachesOthers(t *testing.T) {
	host := guesttest.New(t)
	a, b := host.Connect("/a"), host.Connect("/b")
	a.Next()
	b.Next()
	a.Send(guest.Text("others"))
	expect(t, a.Next(), nil)
	expect(t, b.Next(), guest.Text("others"))
}

func TestAPanicEndsOneConnection(t *testing.T) {
	host := guesttest.New(t)
	a, b := host.Connect("/a"), host.Connect("/b")
	a.Send(guest.Text("panic"))
	expect(t, a.Code(), uint16(1011))
	lines := host.Logged()
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "error: panic: assignment to entry in nil map") ||
		!strings.Contains(lines[0], "serve_test.go") {
		t.Errorf("the log has %q", lines)
	}
	expect(t, b.Code(), uint16(0))
	b.Send(guest.Text("hi"))
	a.Close(0, "")
	expect(t, host.Logged(), []string{"info: /a ended: handler 1011 "})
}

func TestAfterAPanicInOnReadyOnCloseFollows(t *testing.T) {
	host := guesttest.New(t)
	a := host.Connect("/a?fail")
	expect(t, a.Code(), uint16(1011))
	host.Logged()
	a.Close(0, "")
	expect(t, host.Logged(), []string{"info: /a ended: handler 1011 "})
}

func TestAMessageThatIsTooLargeEndsTheConnection(t *testing.T) {
	host := guesttest.New(t)
	a := host.Connect("/a")
	a.Send(guest.Text("large"))
	expect(t, a.Code(), uint16(1011))
	expect(t, len(host.Logged()), 1)
}

func TestTextThatIsNotUTF8IsMadeSo(t *testing.T) {
	host := guesttest.New(t)
	a := host.Connect("/a")
	a.Next()
	a.Send(guest.Text("bad"))
	expect(t, a.Next(), guest.Text("\uFFFD"))
}

func TestACloseThatIsNotAllowedIsRefused(t *testing.T) {
	host := guesttest.New(t)
	a := host.Connect("/a")
	expect(t, a.Conn.Close(1005, ""), guest.ErrInvalid)
	expect(t, len(host.Logged()), 1)
	expect(t, a.Conn.Close(1000, strings.Repeat("x", 124)), guest.ErrInvalid)
	expect(t, a.Conn.Close(1000, ""), nil)
	expect(t, a.Conn.Close(1000, ""), guest.ErrClosed)
	expect(t, guest.Nobody.TryWrite(guest.Text("")), guest.ErrClosed)
}

func TestWhatIsFoundInARequest(t *testing.T) {
	request := guest.Request{
		RawQuery: "name=caf%C3%A9+x&b=&name=2&a%20b=1&p=100%&&q=%zz%41&=7",
		Headers: []guest.Header{
			{Name: "x-id", Value: "1"}, {Name: "x-id", Value: ""},
			{Name: "cookie", Value: `a=1;b=2=3 ; flag; empty=`}, {Name: "cookie", Value: `c="4"; a=5`},
		},
	}
	for _, test := range []struct {
		what, want string
		find       func(string) (string, bool)
	}{
		{"X-Id", "1", request.Header},
		{"name", "café x", request.Query},
		{"b", "", request.Query},
		{"a b", "1", request.Query},
		{"p", "100%", request.Query},
		{"q", "%zzA", request.Query},
		{"", "7", request.Query},
		{"a", "1", request.Cookie},
		{"b", "2=3", request.Cookie},
		{"c", `"4"`, request.Cookie},
		{"empty", "", request.Cookie},
	} {
		got, found := test.find(test.what)
		if got != test.want || !found {
			t.Errorf("%s is %q, %t", test.what, got, found)
		}
	}
	for _, find := range []func(string) (string, bool){request.Header, request.Query, request.Cookie} {
		if got, found := find("flag"); found {
			t.Errorf("flag is %q", got)
		}
	}
	expect(t, request.HeaderValues("x-ID"), []string{"1", ""})
}
