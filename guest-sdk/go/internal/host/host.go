// Package host is what lies between the SDK and the host: the bindings on one side, and in
// tests a host that is none.
package host

// Current is the host: that of the bindings, or what a test has set.
var Current Host

// Host is what a handler can ask of it.
type Host interface {
	WriteText(conn uint64, text string) WriteOutcome
	WriteBinary(conn uint64, data []byte) WriteOutcome
	Close(conn uint64, code uint16, reason string) CloseOutcome
	BufferedAmount(conn uint64) uint64
	Params(conn uint64) []Param
	Claims(conn uint64) (string, bool)
	Attachment(conn uint64) ([]byte, bool)
	Log(level Level, line string)
}

// WriteOutcome is what became of a write, numbered as in the WIT.
type WriteOutcome uint8

const (
	Queued WriteOutcome = iota
	Full
	Closed
	TooLarge
)

// CloseOutcome is what became of a close, numbered as in the WIT.
type CloseOutcome uint8

const (
	Closing CloseOutcome = iota
	AlreadyClosed
	InvalidClose
)

// Level is how much a line of the log matters, numbered as in the WIT.
type Level uint8

const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
)

// Param is a capture of the route.
type Param struct{ Name, Value string }

// Header is a field of a request or a response.
type Header struct{ Name, Value string }

// Request is what the peer asked for in the handshake.
type Request struct {
	Path, Query   string
	HasQuery      bool
	Headers       []Header
	RemoteAddress string
	Subprotocol   string
}

// CloseEvent is how a connection ended; the origin is numbered as in the WIT.
type CloseEvent struct {
	Origin         uint8
	Code           uint16
	Reason, Detail string
}

// Events is what is called when something happens. Package guest sets it, but for OnAlarm and Ended; it
// can't be called directly where this package's importers are that package's as well.
var Events struct {
	OnReady   func(conn uint64, request Request)
	OnMessage func(conn uint64, text string, binary []byte, isText bool)
	OnClose   func(conn uint64, event CloseEvent)

	// OnAlarm is package timers'.
	OnAlarm func(timer uint64)
	// Ended hears of connections that have ended, where somebody wants to.
	Ended func(conn uint64)
	// Guard runs an event, and answers false where it has panicked.
	Guard func(conn uint64, event func()) bool
	// NewRequest makes a *guest.Request.
	NewRequest func(request Request) any
	// Members are the connections whose OnReady has ended.
	Members func() []uint64
	// Restore makes a new handler, has it restored, and makes it the connection's.
	Restore func(conn uint64, restore func(handler any) error) error
}
