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
	for _, body := range []io.Reader{strings.NewReader("hello"), io.LimitReader(strings.NewReader("hello!"), 5)} {
		if _, err := http.Post(url, "text/plain", body); err != nil {
			t.Fatal(err)
		}
		sent := host.Sent()[0]
		want := http.Header{"content-type": {"text/plain"}}
		if sent.Method != "POST" || sent.Body != "hello" || !maps.EqualFunc(sent.Header, want, slices.Equal) {
			t.Errorf("%v", sent)
		}
	}
	_, err := http.Post(url, "text/plain", strings.NewReader(strings.Repeat("x", 1<<20+1)))
	if !errors.Is(err, http.ErrTooLarge) {
		t.Error(err)
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
