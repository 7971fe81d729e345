package http_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"socklet/guest/guesttest"
	"socklet/guest/http"
)

const url = "https://api.example.com/story?of=Ada"

func TestAnAnswerComesInPieces(t *testing.T) {
	host := guesttest.New(t)
	header := http.Header{"X-Count": {"1", "2"}}
	host.Answer(url, guesttest.Answer{Status: 404, Header: header, Pieces: []string{"one", "", "zwei"}})
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if response.Status != 404 || !slices.Equal(response.Header.Values("x-COUNT"), []string{"1", "2"}) {
		t.Errorf("%d %v", response.Status, response.Header)
	}
	buffer := make([]byte, 100)
	for _, want := range []string{"one", "zwei"} {
		if size, err := response.Body.Read(buffer); string(buffer[:size]) != want || err != nil {
			t.Errorf("%q, %v", buffer[:size], err)
		}
	}
	if size, err := response.Body.Read(buffer); size != 0 || err != io.EOF {
		t.Errorf("%d, %v", size, err)
	}
	sent := host.Sent()
	if len(sent) != 1 || sent[0].Method != "GET" || sent[0].URL != url || sent[0].Body != "" {
		t.Errorf("%v", sent)
	}
}

func TestABodyIsSent(t *testing.T) {
	host := guesttest.New(t)
	host.Answer(url, guesttest.Answer{})
	for _, test := range []struct {
		body         io.Reader
		text, length string
	}{
		{strings.NewReader("hello"), "hello", "5"},
		{io.LimitReader(strings.NewReader("hello!"), 5), "hello", ""},
		{strings.NewReader(""), "", "0"},
		{nil, "", "0"},
	} {
		if _, err := http.Post(url, "text/plain", test.body); err != nil {
			t.Fatal(err)
		}
		sent := host.Sent()[0]
		want := http.Header{"content-type": {"text/plain"}}
		if test.length != "" {
			want.Set("content-length", test.length)
		}
		if sent.Method != "POST" || sent.Body != test.text || !maps.EqualFunc(sent.Header, want, slices.Equal) {
			t.Errorf("%v", sent)
		}
	}
	_, err := http.Post(url, "text/plain", strings.NewReader(strings.Repeat("x", 1<<20+1)))
	if !errors.Is(err, http.ErrTooLarge) {
		t.Error(err)
	}
}

func TestAMethodAndTheNamesOfFieldsAreTokens(t *testing.T) {
	host := guesttest.New(t)
	host.Answer(url, guesttest.Answer{})
	for _, method := range []string{"", "GET", "PURGE", "m-search", "a!#$%&'*+.^_`|~9"} {
		if _, err := http.Do(&http.Request{Method: method, URL: url}); err != nil {
			t.Errorf("%q: %v", method, err)
		}
	}
	for _, method := range []string{"\xff", "GET\xff", "GÉT", "A B", "A,B", "GET\n"} {
		if _, err := http.Do(&http.Request{Method: method, URL: url}); !errors.Is(err, http.ErrMethod) {
			t.Errorf("%q: %v", method, err)
		}
	}
	// The second last is the sign of Kelvin, whose lower case is a k.
	for _, name := range []string{"", "\xff", "é", "a b", "a:", "\u212a", "a\x00"} {
		header := http.Header{}
		header.Set(name, "1")
		for _, header := range []http.Header{header, {name: {"1"}}} {
			_, err := http.Do(&http.Request{URL: url, Header: header})
			if !errors.Is(err, http.ErrHeader) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

func TestTheLengthIsTheBodys(t *testing.T) {
	host := guesttest.New(t)
	host.Answer(url, guesttest.Answer{})
	unknown := func(text string) io.Reader { return io.LimitReader(strings.NewReader(text), 100) }
	for _, test := range []struct {
		method string
		body   io.Reader
		says   []string
		sent   string
		err    error
	}{
		{"GET", nil, nil, "", nil},
		{"DELETE", nil, nil, "", nil},
		{"PUT", nil, nil, "0", nil},
		{"PATCH", strings.NewReader(""), nil, "0", nil},
		{"PUT", nil, []string{"0"}, "0", nil},
		{"GET", nil, []string{"0"}, "0", nil},
		{"GET", strings.NewReader("hello"), []string{"5"}, "5", nil},
		{"GET", unknown("hello"), []string{"5"}, "5", nil},
		{"GET", nil, []string{"5"}, "", http.ErrHeader},
		{"PUT", strings.NewReader("hello"), []string{"4"}, "", http.ErrHeader},
		{"PUT", unknown("hello"), []string{"4"}, "", http.ErrHeader},
		{"PUT", unknown("hello"), []string{"6"}, "", http.ErrHeader},
		{"PUT", strings.NewReader("hello"), []string{"5", "5"}, "", http.ErrHeader},
		{"PUT", unknown("hello"), []string{"+5"}, "", http.ErrHeader},
		{"PUT", unknown("hello"), []string{""}, "", http.ErrHeader},
	} {
		header := http.Header{"Content-Length": test.says}
		_, err := http.Do(&http.Request{Method: test.method, URL: url, Header: header, Body: test.body})
		if !errors.Is(err, test.err) {
			t.Errorf("%v: %v", test, err)
		}
		if sent := host.Sent(); err == nil && sent[0].Header.Get("content-length") != test.sent {
			t.Errorf("%v: %v", test, sent)
		}
	}
}

func TestAFailureSaysWhatWasTried(t *testing.T) {
	host := guesttest.New(t)
	_, err := http.Get("https://other.example.com")
	if !errors.Is(err, http.ErrDenied) ||
		!strings.HasPrefix(err.Error(), "GET https://other.example.com: the host is not among allowed-hosts") {
		t.Error(err)
	}
	host.Answer(url, guesttest.Answer{Err: http.ErrTimeout})
	_, err = http.Get(url)
	if failure := new(http.Error); !errors.As(err, &failure) || !failure.Timeout() {
		t.Error(err)
	}
	host.Answer(url, guesttest.Answer{Pieces: []string{"half"}, Err: http.ErrConnection})
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); string(body) != "half" || err != http.ErrConnection {
		t.Errorf("%q, %v", body, err)
	}
}

func TestAContextEndsTheBodyAsWell(t *testing.T) {
	host := guesttest.New(t)
	host.Answer(url, guesttest.Answer{Pieces: []string{"one", "two"}})
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, "PUT", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(response.Body); err != context.Canceled {
		t.Error(err)
	}
	if _, err := http.Do(request); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAURLIsASchemeAHostAndAPath(t *testing.T) {
	host := guesttest.New(t)
	for text, want := range map[string]string{
		"https://a.example":             "https://a.example/",
		"HTTP://a.example:8080/b?c=d#e": "http://a.example:8080/b?c=d",
		"https://[::1]:1?q":             "https://[::1]:1/?q",
		"https://a#b/c":                 "https://a/",
	} {
		_, _ = http.Get(text)
		if got := host.Sent(); len(got) != 1 || got[0].URL != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, text := range []string{
		"", "a.example", "//a", "ws://a", "https://", "https:///b", "https://a/ b", "https://é.example/",
	} {
		if _, err := http.NewRequest("GET", text, nil); !errors.Is(err, http.ErrURL) {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := http.Get(text); !errors.Is(err, http.ErrURL) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
