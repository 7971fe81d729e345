package http

import "socklet/guest/internal/outgoing"

// Error is why a request has no answer. [errors.Is] finds out what it is for: one of the
// errors below, or the context's.
type Error struct {
	Method, URL string
	Err         error
}

// Error says what was tried, and why it failed.
func (e *Error) Error() string { return e.Method + " " + e.URL + ": " + e.Err.Error() }

// Unwrap is what it is for.
func (e *Error) Unwrap() error { return e.Err }

// Timeout is whether the other end took too long, as net.Error has it.
func (e *Error) Timeout() bool {
	timeout, ok := e.Err.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}

// What a request fails for, and its body's Read. Most are wrapped in an error that says more.
var (
	// ErrURL: the URL is not one of http or https, or its host or port can't be meant.
	ErrURL = outgoing.ErrURL
	// ErrMethod: the method is none.
	ErrMethod = outgoing.ErrMethod
	// ErrHeader: a header can't be sent, for its characters, or because it is one that the host
	// sets itself; or there are too many.
	ErrHeader = outgoing.ErrHeader
	// ErrDenied: the host is not one of the manifest's allowed-hosts. The server's log says
	// what to add.
	ErrDenied = outgoing.ErrDenied
	// ErrPrivateAddress: the host's name is that of a private address, which allowed-hosts
	// does not name.
	ErrPrivateAddress = outgoing.ErrPrivateAddress
	// ErrTooMany: the instance, or the handler, has as many requests under way as it may have.
	ErrTooMany = outgoing.ErrTooMany
	// ErrTooLarge: the request or the answer is longer than it may be.
	ErrTooLarge = outgoing.ErrTooLarge
	// ErrTimeout: the other end took too long.
	ErrTimeout = outgoing.ErrTimeout
	// ErrName: the host's name can't be resolved.
	ErrName = outgoing.ErrName
	// ErrConnection: the other end can't be reached, or the connection broke off.
	ErrConnection = outgoing.ErrConnection
	// ErrTLS: the other end can't prove who it is, or does not speak TLS.
	ErrTLS = outgoing.ErrTLS
	// ErrOther: the other end does not speak HTTP/1.1, or something else went wrong.
	ErrOther = outgoing.ErrOther
)
