package guest

import (
	"log"
	"runtime/debug"
	"slices"

	"socklet/guest/internal/host"
)

// Handler is what a type needs to take a connection's events. Have [Base] in it, and write
// those of the methods that you want.
type Handler interface {
	// OnReady: the handshake is done. Called once, first.
	OnReady(conn Conn, request *Request)
	// OnMessage: the peer sent a message. Called once for each, in their order.
	OnMessage(conn Conn, message Message)
	// OnClose: the connection has ended. Called once, last; writes to it do nothing.
	OnClose(conn Conn, event CloseEvent)
}

// Base is a handler that does nothing, to be a part of one that does something.
type Base struct{}

// OnReady does nothing.
func (Base) OnReady(Conn, *Request) {}

// OnMessage does nothing.
func (Base) OnMessage(Conn, Message) {}

// OnClose does nothing.
func (Base) OnClose(Conn, CloseEvent) {}

// Serve makes a type the handler that the component exports: there is a new value of T for
// each connection. Call it once, in an init function.
//
//	func init() { guest.Serve[echo]() }
func Serve[T any, P interface {
	*T
	Handler
}]() {
	ServeFunc(func() Handler { return P(new(T)) })
}

// ServeFunc is [Serve] with a function that makes the value for each connection.
func ServeFunc(create func() Handler) {
	if newHandler != nil {
		panic("guest.Serve is called twice: a component has one handler")
	}
	newHandler = create
}

var newHandler func() Handler

type member struct {
	conn    Conn
	handler Handler
}

// In the order of their ids: few instances have many, and a map would be slower to walk.
var members []member

func placeOf(conn Conn) (int, bool) {
	return slices.BinarySearchFunc(members, conn, func(m member, c Conn) int {
		switch {
		case m.conn.id < c.id:
			return -1
		case m.conn.id > c.id:
			return 1
		}
		return 0
	})
}

func addMember(conn Conn, handler Handler) {
	place, _ := placeOf(conn)
	members = slices.Insert(members, place, member{conn, handler})
}

// HandlerOf is the value for a connection; nil where it is no connection of this instance, or
// has not ended its OnReady.
func HandlerOf(conn Conn) Handler {
	if place, found := placeOf(conn); found {
		return members[place].handler
	}
	return nil
}

func init() {
	host.Events.OnReady = onReady
	host.Events.OnMessage = onMessage
	host.Events.OnClose = onClose
	host.Events.Guard = func(id uint64, event func()) bool { return guarded(Conn{id}, event) }
	host.Events.NewRequest = func(raw host.Request) any { return newRequest(raw) }
	host.Events.Members = func() []uint64 {
		ids := make([]uint64, len(members))
		for i, member := range members {
			ids[i] = member.conn.id
		}
		return ids
	}
	host.Events.Restore = func(id uint64, restore func(handler any) error) error {
		handler := create()
		if err := restore(handler); err != nil {
			return err
		}
		addMember(Conn{id}, handler)
		return nil
	}
	log.SetFlags(0)
	log.SetOutput(logWriter{})
}

const nothingServed = "nothing is served: call guest.Serve in an init function (a component runs no main)"

func create() Handler {
	if newHandler == nil {
		panic(nothingServed)
	}
	return newHandler()
}

// guarded runs an event; where that panics, the connection ends and the instance lives on. It
// answers whether all went well.
func guarded(conn Conn, event func()) (ok bool) {
	defer func() {
		if reason := recover(); reason != nil {
			Logf(LevelError, "panic: %v\n\n%s", reason, debug.Stack())
			_ = host.Current.Close(conn.id, 1011, "")
			ok = false
		}
	}()
	event()
	return true
}

func onReady(id uint64, request host.Request) {
	conn := Conn{id}
	if newHandler == nil {
		Log(LevelError, nothingServed)
		_ = host.Current.Close(id, 1011, "nothing is served")
		return
	}
	guarded(conn, func() {
		handler := create()
		// It is there after a panic as well: OnClose follows.
		defer addMember(conn, handler)
		handler.OnReady(conn, newRequest(request))
	})
}

func newRequest(raw host.Request) *Request {
	request := &Request{
		Path:        raw.Path,
		RawQuery:    raw.Query,
		HasQuery:    raw.HasQuery,
		RemoteAddr:  raw.RemoteAddress,
		Subprotocol: raw.Subprotocol,
		Headers:     make([]Header, len(raw.Headers)),
	}
	for i, header := range raw.Headers {
		request.Headers[i] = Header{header.Name, valid(header.Value)}
	}
	return request
}

func onMessage(id uint64, text string, binary []byte, isText bool) {
	conn := Conn{id}
	handler := HandlerOf(conn)
	if handler == nil {
		return
	}
	var message Message = Binary(binary)
	if isText {
		message = Text(text)
	}
	guarded(conn, func() { handler.OnMessage(conn, message) })
}

func onClose(id uint64, event host.CloseEvent) {
	conn := Conn{id}
	place, found := placeOf(conn)
	if !found {
		return
	}
	handler := members[place].handler
	members = slices.Delete(members, place, place+1)
	if host.Events.Ended != nil {
		defer host.Events.Ended(id)
	}
	guarded(conn, func() {
		handler.OnClose(conn, CloseEvent{CloseOrigin(event.Origin), event.Code, event.Reason, event.Detail})
	})
}
