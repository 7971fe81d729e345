package guesttest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"socklet/guest/http"
	"socklet/guest/internal/outgoing"
)

// Answer is what a request to a server elsewhere is answered with.
type Answer struct {
	// Status is 200 where it is 0.
	Status int
	// Header may be nil.
	Header http.Header
	// Pieces are the body, as they come: each Read has one, or a part of it.
	Pieces []string
	// Err is what the request fails for, such as [http.ErrTimeout]; where there are pieces, what
	// the body breaks off with after them.
	Err error
}

// Sent is a request that the handler has sent. Its content-length is in the header, where the
// body's length was known.
type Sent struct {
	Method, URL string
	Header      http.Header
	Body        string
}

// As the host's default max-http-request-size.
const maxRequestSize = 1 << 20

// Answer says what requests to a URL are answered with from now on. One to any other is
// refused with [http.ErrDenied].
func (h *Host) Answer(url string, answer Answer) {
	parsed, err := outgoing.ParseURL(url)
	if err != nil {
		h.t.Helper()
		h.t.Fatal(err)
	}
	h.answers[parsed] = answer
}

// Sent is the requests that were sent since it was last called, those that were refused among
// them.
func (h *Host) Sent() []Sent {
	sent := h.sent
	h.sent = nil
	return sent
}

type sender struct{ h *Host }

func (s sender) Send(ctx context.Context, request *outgoing.Request) (*outgoing.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sent := Sent{Method: request.Method, URL: request.URL.String(), Header: http.Header{}}
	for _, field := range request.Fields {
		sent.Header.Add(field.Name, field.Value)
	}
	if request.Body != nil {
		body, err := io.ReadAll(io.LimitReader(request.Body, maxRequestSize+1))
		if err != nil {
			return nil, err
		}
		if len(body) > maxRequestSize {
			return nil, fmt.Errorf("%w: the request is over max-http-request-size", http.ErrTooLarge)
		}
		if request.Length >= 0 && int64(len(body)) != request.Length {
			return nil, outgoing.ErrLength
		}
		sent.Body = string(body)
	}
	s.h.sent = append(s.h.sent, sent)
	answer, found := s.h.answers[request.URL]
	switch {
	case !found:
		return nil, fmt.Errorf("%w: the test answers no requests to %s: see Host.Answer", http.ErrDenied, request.URL)
	case answer.Err != nil && len(answer.Pieces) == 0:
		return nil, answer.Err
	}
	response := &outgoing.Response{Status: answer.Status, Body: &told{ctx, slices.Clone(answer.Pieces), answer.Err}}
	if response.Status == 0 {
		response.Status = 200
	}
	for name, values := range answer.Header {
		for _, value := range values {
			response.Fields = append(response.Fields, outgoing.Field{Name: strings.ToLower(name), Value: value})
		}
	}
	return response, nil
}

// told is a body that a test has set.
type told struct {
	ctx    context.Context
	pieces []string
	// What it ends with; nil for its end.
	err error
}

func (b *told) Read(into []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	for len(b.pieces) > 0 && b.pieces[0] == "" {
		b.pieces = b.pieces[1:]
	}
	switch {
	case len(b.pieces) == 0 && b.err == nil:
		return 0, io.EOF
	case len(b.pieces) == 0:
		return 0, b.err
	}
	size := copy(into, b.pieces[0])
	b.pieces[0] = b.pieces[0][size:]
	return size, nil
}

func (b *told) Close() error {
	b.pieces, b.err = nil, io.ErrClosedPipe
	return nil
}
