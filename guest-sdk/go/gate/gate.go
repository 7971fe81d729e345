// Package gate decides about each handshake, before it is answered:
//
//	func init() {
//		guest.Serve[members]()
//		gate.Use(func(conn guest.Conn, request *guest.Request) gate.Answer {
//			if word, _ := request.Query("invitation"); word != "xyzzy" {
//				return gate.Reject(403, "by invitation only")
//			}
//			return gate.Accept()
//		})
//	}
//
// It is asked once for each handshake that the host would accept itself, in the instance that
// will serve the connection. A gate that panics answers 500, and one that takes too long 504.
package gate

import (
	"socklet/guest"
	"socklet/guest/internal/host"
)

// Gate answers a handshake. The captures and the session's claims can be asked for; the
// connection isn't open yet.
type Gate func(conn guest.Conn, request *guest.Request) Answer

// Answer is how a handshake is answered: make one with [Accept] or [Reject]. What breaks its
// bounds is answered with 500, and the host's log says why.
type Answer struct {
	rejected      bool
	status        uint16
	body          string
	headers       []host.Header
	subprotocol   string
	agrees        bool
	attachment    []byte
	hasAttachment bool
}

// Accept accepts it, as the host would.
func Accept() Answer { return Answer{} }

// Reject rejects it, with a status from 400 to 599 and a body of at most 4 KiB of plain text,
// unless a content-type among the header fields says otherwise. A page in a browser sees
// neither.
func Reject(status uint16, body string) Answer {
	return Answer{rejected: true, status: status, body: body}
}

// Header adds a field to the response; at most 32 with 8 KiB in all. Those of the handshake
// itself and of the body's length are the host's.
func (a Answer) Header(name, value string) Answer {
	a.headers = append(a.headers[:len(a.headers):len(a.headers)], host.Header{Name: name, Value: value})
	return a
}

// Agree agrees to a subprotocol that the peer has offered, in place of the one that the host
// has found in the handler's own list.
func (a Answer) Agree(subprotocol string) Answer {
	a.subprotocol, a.agrees = subprotocol, true
	return a
}

// Attach has [guest.Conn.Attachment] answer this for the connection, at most 64 KiB.
func (a Answer) Attach(attachment []byte) Answer {
	a.attachment, a.hasAttachment = attachment, true
	return a
}

// Use makes a function the component's gate. Call it once, in an init function.
func Use(gate Gate) {
	if current != nil {
		panic("gate.Use is called twice: a component has one gate")
	}
	current = gate
}

var current Gate

func answer(id uint64, raw host.Request) (answer Answer) {
	answer = Reject(500, "")
	host.Events.Guard(id, func() {
		if current == nil {
			panic("there is no gate: call gate.Use in an init function")
		}
		answer = current(guest.ConnWithID(id), host.Events.NewRequest(raw).(*guest.Request))
	})
	return answer
}
