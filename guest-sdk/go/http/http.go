// Package http sends requests to HTTP servers elsewhere, as much of [net/http] as that takes:
//
//	func (r *relay) OnMessage(conn guest.Conn, message guest.Message) {
//		response, err := http.Get("https://api.example.com/story")
//		if err != nil {
//			log.Print(err)
//			return
//		}
//		defer response.Body.Close()
//		buffer := make([]byte, 64<<10)
//		for {
//			size, err := response.Body.Read(buffer)
//			if size > 0 {
//				conn.WriteBinary(buffer[:size])
//			}
//			if err != nil {
//				return
//			}
//		}
//	}
//
// The manifest names the hosts, and nothing else is reached:
//
//	[capabilities]
//	allowed-hosts = ["api.example.com"]
//
// A call returns when it has what it is for, and a Read of a body when a piece of it has come;
// meanwhile the host sends what was written before, and answers pings. The instance is at that
// event until it ends: a slow server holds up one connection, in a room all of them. Within an
// event goroutines may send requests at the same time; wait for them before it returns. Timers
// ([time.AfterFunc]) go off during a wait, up to a quarter of a second late. A time is
// bounded by the manifest's http-timeout (20 s for each sign of life) and http-total-time (5 min
// in all), and by the context's deadline; the sizes by max-http-request-size (1 MiB) and
// max-http-response-size (8 MiB), which [io.ReadAll] reads at most.
//
// Redirects are not followed: their status is 3xx, and "location" says where to. Nothing is
// decompressed, and no connection is kept for a next request.
//
// Its names are those of net/http, whose types it can't have: with them a component has 5 MB in
// place of 3, and with a client 10. Where one needs net/http itself, as libraries do,
// [socklet/guest/nethttp] has it send requests.
package http

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"

	"socklet/guest/internal/outgoing"
)

// Request is a request. [NewRequest] makes one.
type Request struct {
	// Method is any but CONNECT.
	Method string
	// URL is one of http or https.
	URL string
	// Header has what is sent beside what the host sets itself, which are host, connection,
	// transfer-encoding and the like.
	Header Header
	// Body may be nil. Where it is not a [bytes.Buffer], a [bytes.Reader] or a
	// [strings.Reader], and Header has no content-length, it is sent in chunks. A content-length
	// that is not its length is an [ErrHeader].
	Body io.Reader
	// Timeout is how long the other end may take to be connected with, to begin its answer,
	// and between two pieces of it; 0 for http-timeout, which it is at most.
	Timeout time.Duration

	ctx context.Context
}

// NewRequest makes a request. The body may be nil.
func NewRequest(method, url string, body io.Reader) (*Request, error) {
	return NewRequestWithContext(context.Background(), method, url, body)
}

// NewRequestWithContext makes a request that is given up, and its answer's body with it, when
// the context ends.
func NewRequestWithContext(ctx context.Context, method, url string, body io.Reader) (*Request, error) {
	request := &Request{Method: method, URL: url, Header: Header{}, Body: body, ctx: ctx}
	if _, err := outgoing.ParseURL(url); err != nil {
		return nil, &Error{method, url, err}
	}
	return request, nil
}

// Response is an answer whose head has come.
type Response struct {
	// Status is from 100 to 999. A 404 is an answer and no error.
	Status int
	Header Header
	// Body returns the pieces as they come. Close it: that ends the connection. So does its end.
	// Another goroutine may close it while one reads.
	Body io.ReadCloser
}

// Get sends a GET. Its answer is whatever the server says: a 404 is no error.
func Get(url string) (*Response, error) {
	return Do(&Request{Method: "GET", URL: url})
}

// Post sends a POST. The body is read to its end.
func Post(url, contentType string, body io.Reader) (*Response, error) {
	header := Header{}
	header.Set("content-type", contentType)
	return Do(&Request{Method: "POST", URL: url, Header: header, Body: body})
}

// Do sends a request, and returns when the head of the answer is there. The error is an
// [*Error].
func Do(request *Request) (*Response, error) {
	raw, err := request.raw()
	if err != nil {
		return nil, &Error{request.Method, request.URL, err}
	}
	ctx := request.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	answer, err := outgoing.Send(ctx, raw)
	if err != nil {
		return nil, &Error{request.Method, request.URL, err}
	}
	response := &Response{Status: answer.Status, Header: Header{}, Body: answer.Body}
	for _, field := range answer.Fields {
		response.Header.Add(field.Name, field.Value)
	}
	return response, nil
}

func (r *Request) raw() (*outgoing.Request, error) {
	url, err := outgoing.ParseURL(r.URL)
	if err != nil {
		return nil, err
	}
	raw := &outgoing.Request{
		Method:  r.Method,
		URL:     url,
		Fields:  outgoing.FieldsOf(r.Header),
		Body:    r.Body,
		Length:  -1,
		Timeout: r.Timeout,
	}
	if raw.Method == "" {
		raw.Method = "GET"
	}
	switch body := r.Body.(type) {
	case *bytes.Buffer:
		raw.Length = int64(body.Len())
	case *bytes.Reader:
		raw.Length = int64(body.Len())
	case *strings.Reader:
		raw.Length = int64(body.Len())
	}
	if raw.Length == 0 {
		raw.Body = nil
	}
	return raw, nil
}
