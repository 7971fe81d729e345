package guest

// CloseOrigin is who ended a connection.
type CloseOrigin uint8

const (
	// ByPeer: the peer sent a close frame first.
	ByPeer CloseOrigin = iota
	// ByHandler: the handler called [Conn.Close].
	ByHandler
	// ByHost: the host did; the event's Detail says why.
	ByHost
	// ByNetwork: the socket ended without a close frame.
	ByNetwork
)

// String is the word that the host has for it, such as "peer".
func (o CloseOrigin) String() string {
	return [...]string{"peer", "handler", "host", "network"}[o&3]
}

// CloseEvent is how a connection ended.
type CloseEvent struct {
	Origin CloseOrigin
	// Code is the code of the close frame of the side that Origin names; 1005 where the peer's
	// frame had none, 1006 where there was no close frame.
	Code uint16
	// Reason is the reason of that close frame, or "".
	Reason string
	// Detail is one lower-case word that says more, such as "pong-timeout" or "shutdown", or
	// "". The list grows: treat a word that you don't know like none.
	Detail string
}
