package guest

import (
	"errors"

	"socklet/guest/internal/host"
)

// Conn names an open connection. It may be copied, compared, kept, and be the key of a map,
// and reaches the connection in every event of the same instance. No method waits.
type Conn struct {
	id uint64
}

// Nobody is no connection's name: every call for it answers as for one that has ended.
var Nobody = Conn{^uint64(0)}

// ConnWithID is the connection with a number that was kept, as in a snapshot. An id is no
// power: a connection that is not this instance's can't be reached by it.
func ConnWithID(id uint64) Conn { return Conn{id} }

// ID is the connection's number, never given to a second connection while the host runs.
func (c Conn) ID() uint64 { return c.id }

// Write sends a message, or closes the connection where it can't: nothing is lost in silence.
//
// Messages leave in the order in which they were written. Where the connection's queue is
// full, because the peer reads more slowly than the handler writes, the connection is closed
// with 1013. A message over the host's max-message-size (1 MiB by default) is the handler's
// mistake, and closes with 1011. Both are logged. On a connection that is closing or closed
// nothing happens.
func (c Conn) Write(message Message) {
	c.CloseFor(c.TryWrite(message))
}

// WriteText sends a text message, as [Conn.Write] does.
func (c Conn) WriteText(text string) { c.Write(Text(text)) }

// WriteBinary sends a binary message, as [Conn.Write] does.
func (c Conn) WriteBinary(data []byte) { c.Write(Binary(data)) }

// What a message may be refused for.
var (
	// ErrFull: the connection's queue holds max-backpressure bytes or more (1 MiB by
	// default). Write it again later, or leave it out.
	ErrFull = errors.New("its queue is at max-backpressure: write less, or keep what TryWrite refuses")
	// ErrClosed: the connection is closing or closed. No attempt will succeed.
	ErrClosed = errors.New("the connection is closing or closed")
	// ErrTooLarge: the message is over max-message-size. No attempt will succeed.
	ErrTooLarge = errors.New("a message was over max-message-size: split it")
	// ErrInvalid: a close frame can't carry that code or that reason.
	ErrInvalid = errors.New("a close frame carries 1000 or 3000 to 4999, and a reason of at most 123 bytes")
)

// TryWrite sends a message, or answers [ErrFull], [ErrClosed] or [ErrTooLarge]. Whatever the
// error, nothing of the message was queued.
func (c Conn) TryWrite(message Message) error {
	switch text, isText := message.(Text); {
	case isText:
		return refusal(host.Current.WriteText(c.id, valid(string(text))))
	default:
		return refusal(host.Current.WriteBinary(c.id, message.(Binary)))
	}
}

func refusal(outcome host.WriteOutcome) error {
	switch outcome {
	case host.Queued:
		return nil
	case host.Full:
		return ErrFull
	case host.TooLarge:
		return ErrTooLarge
	default:
		return ErrClosed
	}
}

// CloseFor ends the connection for an error of [Conn.TryWrite] as [Conn.Write] does; nil, and
// that it has ended already, are no reasons to.
func (c Conn) CloseFor(err error) {
	var code uint16
	var reason string
	switch err {
	case ErrFull:
		code, reason = 1013, "max-backpressure"
	case ErrTooLarge:
		code, reason = 1011, "max-message-size"
	default:
		return
	}
	// Named, since the event that is running may be another connection's.
	Logf(LevelWarn, "connection %d is closed with %d: %v", c.id, code, err)
	_ = c.Close(code, reason)
}

// Close closes the connection with a close frame that carries code and reason, when what was
// written before has been sent. From here on writes do nothing and no more messages arrive;
// OnClose is called once, later.
//
// Allowed are the codes 1000, 1001, 1003, 1007 to 1014 and 3000 to 4999, and reasons of up to
// 123 bytes: for others the connection stays open, the error is [ErrInvalid], and the log
// says so. It is [ErrClosed] where the connection was closing or closed already.
func (c Conn) Close(code uint16, reason string) error {
	switch host.Current.Close(c.id, code, valid(reason)) {
	case host.Closing:
		return nil
	case host.InvalidClose:
		Logf(LevelError, "connection %d stays open with code %d and a reason of %d bytes: %v",
			c.id, code, len(reason), ErrInvalid)
		return ErrInvalid
	default:
		return ErrClosed
	}
}

// BufferedAmount is how many bytes were written and not yet handed to the operating system,
// frame headers included; 0 once the connection is closed.
func (c Conn) BufferedAmount() uint64 { return host.Current.BufferedAmount(c.id) }

// Param is what the route's capture of this name took from the path, decoded once, and
// whether there is such a capture.
func (c Conn) Param(name string) (string, bool) {
	for _, param := range host.Current.Params(c.id) {
		if param.Name == name {
			return param.Value, true
		}
	}
	return "", false
}

// Claims is the verified claims of the connection's session, a JSON object as text, and
// whether there are any.
func (c Conn) Claims() (string, bool) { return host.Current.Claims(c.id) }

// Attachment is what the handler's own gate attached, or nil.
func (c Conn) Attachment() []byte {
	attachment, _ := host.Current.Attachment(c.id)
	return attachment
}

// Conns are the connections of this instance, in the order of their ids: one, or with the
// scopes "path" and "handler" all that share it. A connection is among them from the end of
// its OnReady to the beginning of its OnClose.
func Conns() []Conn {
	conns := make([]Conn, len(members))
	for i, member := range members {
		conns[i] = member.conn
	}
	return conns
}

// Broadcast sends a message to all connections of this instance, but for those in except. One
// that reads too slowly is closed with 1013, and holds up nobody. A message over
// max-message-size goes to nobody, which is logged.
func Broadcast(message Message, except ...Conn) {
next:
	for _, member := range members {
		for _, other := range except {
			if member.conn == other {
				continue next
			}
		}
		err := member.conn.TryWrite(message)
		// The bound is the same for all of them, and none of them is to blame.
		if err == ErrTooLarge {
			Logf(LevelError, "a broadcast reaches nobody: %v", err)
			return
		}
		member.conn.CloseFor(err)
	}
}
