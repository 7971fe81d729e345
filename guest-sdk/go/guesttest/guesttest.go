// Package guesttest runs a handler in an ordinary test, with a host that is none:
//
//	func TestHello(t *testing.T) {
//		host := guesttest.New(t)
//		peer := host.Connect("/hello")
//		if got := peer.Next(); got != guest.Text("Hello!") {
//			t.Errorf("it says %v", got)
//		}
//		peer.Send(guest.Text("hi"))
//		peer.Close(1000, "")
//	}
//
// It has connections, the log, topics, timers, which go off when [Host.Advance] says so, and
// servers elsewhere, which answer what [Host.Answer] says. Captures, claims and attachments are
// what the test sets.
//
// A test fails where the handler has a method that looks like an event and is none, such as
// OnMesage: [guest.Base] has the real one, and nothing else would tell.
package guesttest

import (
	"fmt"
	"strings"
	"testing"

	"socklet/guest"
	"socklet/guest/internal/host"
	"socklet/guest/internal/outgoing"
)

// Host is a host that is none. There is one at a time.
type Host struct {
	t      testing.TB
	nextID uint64
	// That of the timer that was set last.
	nextTimer uint64
	peers     map[uint64]*Peer
	topics    map[string][]*Peer
	alarms    []alarm
	now       uint64
	lines     []string
	answers   map[outgoing.URL]Answer
	sent      []Sent
}

// Peer is the other side of a connection.
type Peer struct {
	// Conn is the handler's side of it.
	Conn guest.Conn
	// Params, Claims and Attachment are what the handler is told of.
	Params     map[string]string
	Claims     string
	Attachment []byte

	host    *Host
	written []guest.Message
	code    uint16
	ended   bool
}

// New makes a host for a test. Handlers that the test leaves connected are closed at its end.
func New(t testing.TB) *Host {
	h := &Host{t: t, peers: map[uint64]*Peer{}, topics: map[string][]*Peer{}, answers: map[outgoing.URL]Answer{}}
	host.Current, host.Topics, host.Timers = h.methods(), h.topicMethods(), h.timerMethods()
	outgoing.Current = sender{h}
	t.Cleanup(func() {
		for id := uint64(1); id <= h.nextID; id++ {
			if peer := h.peers[id]; !peer.ended {
				peer.Close(1001, "")
			}
		}
	})
	return h
}

// Connect opens a connection: the handler's OnReady is called. The target is a path, and may
// have a query; what prepare does to the peer and the request comes before that.
func (h *Host) Connect(target string, prepare ...func(peer *Peer, request *guest.Request)) *Peer {
	h.nextID++
	peer := &Peer{Conn: guest.ConnWithID(h.nextID), host: h}
	h.peers[h.nextID] = peer
	path, query, hasQuery := strings.Cut(target, "?")
	request := guest.Request{Path: path, RawQuery: query, HasQuery: hasQuery, RemoteAddr: "127.0.0.1:50000"}
	for _, prepare := range prepare {
		prepare(peer, &request)
	}
	raw := host.Request{Path: request.Path, Query: request.RawQuery, HasQuery: request.HasQuery,
		RemoteAddress: request.RemoteAddr, Subprotocol: request.Subprotocol}
	for _, header := range request.Headers {
		raw.Headers = append(raw.Headers, host.Header{Name: strings.ToLower(header.Name), Value: header.Value})
	}
	host.Events.OnReady(h.nextID, raw)
	h.t.Helper()
	h.checkEvents(peer.Conn)
	return peer
}

// Send has the peer send a message: the handler's OnMessage is called.
func (p *Peer) Send(message guest.Message) {
	p.host.t.Helper()
	if p.ended || p.code != 0 {
		p.host.t.Fatalf("the peer sends %v, and the connection is closed", message)
	}
	text, isText := message.(guest.Text)
	if isText {
		host.Events.OnMessage(p.Conn.ID(), string(text), nil, true)
	} else {
		host.Events.OnMessage(p.Conn.ID(), "", append([]byte{}, message.Bytes()...), false)
	}
}

// Next is the message that was written next; nil where there is no more.
func (p *Peer) Next() guest.Message {
	if len(p.written) == 0 {
		return nil
	}
	next := p.written[0]
	p.written = p.written[1:]
	return next
}

// Code is the code with which the handler closed the connection; 0 where it did not.
func (p *Peer) Code() uint16 { return p.code }

// Close ends the connection: the handler's OnClose is called. It is the peer who closes, unless
// the handler has done so.
func (p *Peer) Close(code uint16, reason string) {
	if p.ended {
		return
	}
	event := host.CloseEvent{Origin: uint8(guest.ByPeer), Code: code, Reason: reason}
	if p.code != 0 {
		event = host.CloseEvent{Origin: uint8(guest.ByHandler), Code: p.code}
	}
	p.ended = true
	for topic := range p.host.topics {
		p.host.unsubscribe(p, topic)
	}
	host.Events.OnClose(p.Conn.ID(), event)
}

// Logged is the lines that were logged since it was last called, each as "level: line".
func (h *Host) Logged() []string {
	lines := h.lines
	h.lines = nil
	return lines
}

func (h *Host) log(level host.Level, line string) {
	name := [...]string{"trace", "debug", "info", "warn", "error"}[level]
	h.lines = append(h.lines, fmt.Sprintf("%s: %s", name, line))
}
