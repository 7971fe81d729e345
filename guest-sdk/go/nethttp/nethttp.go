// Package nethttp has [net/http] send its requests by the host: import it for that.
//
//	import (
//		"net/http"
//
//		_ "socklet/guest/nethttp"
//	)
//
//	response, err := http.Get("https://api.example.com/story")
//
// It is for libraries that take an [http.Client], and for code that is there already. net/http
// brings its TLS and its HTTP/2 along, which are never used: it adds 8 MB to a component, and has
// its first load take five times as long. [socklet/guest/http] has what a handler needs of it, and
// adds half a megabyte; what its documentation says of hosts, times, sizes and errors
// holds here as well.
//
// Redirects are followed as the client has it; each host has to be among allowed-hosts.
// Cancelling the request's context ends it, and its answer's body. Request.Host can't differ from
// the URL's host, and trailers are not sent.
package nethttp

import (
	"fmt"
	"net/http"
	"strconv"

	"socklet/guest/internal/outgoing"
)

// Transport is the [http.RoundTripper]. It is [http.DefaultTransport] wherever this package is
// imported, so that clients without a transport of their own use it.
type Transport struct{}

func init() { http.DefaultTransport = Transport{} }

// RoundTrip sends a request, and returns when the head of its answer is there.
func (Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		defer request.Body.Close()
	}
	raw, err := rawOf(request)
	if err != nil {
		return nil, err
	}
	answer, err := outgoing.Send(request.Context(), raw)
	if err != nil {
		return nil, err
	}
	response := &http.Response{
		Status:        fmt.Sprintf("%d %s", answer.Status, http.StatusText(answer.Status)),
		StatusCode:    answer.Status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{},
		Body:          answer.Body,
		ContentLength: -1,
		Request:       request,
	}
	for _, field := range answer.Fields {
		response.Header.Add(field.Name, field.Value)
	}
	if length, err := strconv.ParseInt(response.Header.Get("Content-Length"), 10, 64); err == nil && length >= 0 {
		response.ContentLength = length
	}
	return response, nil
}

func rawOf(request *http.Request) (*outgoing.Request, error) {
	if request.URL == nil {
		return nil, outgoing.ErrURL
	}
	if request.Host != "" && request.Host != request.URL.Host {
		return nil, fmt.Errorf("%w: Host is the URL's", outgoing.ErrHeader)
	}
	url := request.URL
	parsed, err := outgoing.ParseURL(url.Scheme + "://" + url.Host + url.RequestURI())
	if err != nil {
		return nil, err
	}
	raw := &outgoing.Request{
		Method: request.Method,
		URL:    parsed,
		Fields: outgoing.FieldsOf(request.Header),
		Body:   request.Body,
		Length: request.ContentLength,
	}
	if raw.Method == "" {
		raw.Method = http.MethodGet
	}
	switch {
	case request.Body == nil || request.Body == http.NoBody:
		raw.Body = nil
	case raw.Length == 0:
		// As net/http has it: it is not known.
		raw.Length = -1
	}
	return raw, nil
}
