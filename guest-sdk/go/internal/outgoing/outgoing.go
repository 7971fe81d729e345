// Package outgoing sends requests to servers elsewhere: by the bindings, or in tests to
// nobody. The packages http and nethttp are made of it; who imports neither has none of it.
package outgoing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Current is what sends: the bindings, or what a test has set.
var Current Sender = nobody{}

type nobody struct{}

func (nobody) Send(context.Context, *Request) (*Response, error) {
	return nil, fmt.Errorf("%w: there is no host to send it: call guesttest.New in the test", ErrOther)
}

// Sender sends a request, and returns when the head of its answer is there.
type Sender interface {
	Send(ctx context.Context, request *Request) (*Response, error)
}

// Field is a header field.
type Field struct{ Name, Value string }

// Request is one that is to be sent.
type Request struct {
	Method string
	URL    URL
	Fields []Field
	// Body is nil where there is none.
	Body io.Reader
	// Length is the body's; negative where it is not known.
	Length int64
	// Timeout is for the connection, the answer's start, and between two of its pieces; 0 for
	// what the host has.
	Timeout time.Duration
}

// Response is an answer whose head has come.
type Response struct {
	Status int
	Fields []Field
	Body   io.ReadCloser
}

// URL is what of a URL is sent.
type URL struct {
	Secure bool
	// Authority is the host, and maybe a port.
	Authority string
	// Path has the query with it.
	Path string
}

// ParseURL takes a URL apart.
func ParseURL(text string) (URL, error) {
	wrong := fmt.Errorf("%w: %q", ErrURL, text)
	scheme, rest, found := strings.Cut(text, "://")
	secure := strings.EqualFold(scheme, "https")
	if !found || !secure && !strings.EqualFold(scheme, "http") {
		return URL{}, wrong
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if authority == "" || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return URL{}, wrong
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return URL{secure, authority, path}, nil
}

// String is the URL.
func (u URL) String() string {
	scheme := "http://"
	if u.Secure {
		scheme = "https://"
	}
	return scheme + u.Authority + u.Path
}

// What a request fails for. Package http says what each means.
var (
	ErrURL            = errors.New("this is no URL of http or https")
	ErrMethod         = errors.New("this is no method")
	ErrHeader         = errors.New("the header can't be sent")
	ErrDenied         = errors.New("the host is not among allowed-hosts")
	ErrPrivateAddress = errors.New("the host is at a private address that is not among allowed-hosts")
	ErrTooMany        = errors.New("too many requests are under way (max-http-requests)")
	ErrTooLarge       = errors.New("too large")
	ErrTimeout        = error(timeout{})
	ErrName           = errors.New("the host's name can't be resolved")
	ErrConnection     = errors.New("no connection")
	ErrTLS            = errors.New("no TLS")
	ErrOther          = errors.New("the request failed")
)

// As net.Error has it.
type timeout struct{}

func (timeout) Error() string   { return "the other end took too long" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }
