package nethttp_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"socklet/guest/guesttest"
	guesthttp "socklet/guest/http"
	_ "socklet/guest/nethttp"
)

func TestNetHTTPIsAnswered(t *testing.T) {
	host := guesttest.New(t)
	header := guesthttp.Header{"content-length": {"5"}, "x-a": {"1", "2"}}
	host.Answer("http://a.example/b?c=d", guesttest.Answer{Status: 201, Header: header, Pieces: []string{"he", "llo"}})
	response, err := http.Post("http://a.example/b?c=d", "text/plain", strings.NewReader("hi"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if string(body) != "hello" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if response.Status != "201 Created" || response.ContentLength != 5 || len(response.Header.Values("X-A")) != 2 {
		t.Errorf("%v", response)
	}
	if sent := host.Sent(); len(sent) != 1 || sent[0].Body != "hi" || sent[0].Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%v", sent)
	}
}

func TestAnEmptyBodyHasALength(t *testing.T) {
	host := guesttest.New(t)
	host.Answer("http://a.example/", guesttest.Answer{})
	for _, body := range []io.Reader{nil, http.NoBody, strings.NewReader("")} {
		if _, err := http.Post("http://a.example/", "text/plain", body); err != nil {
			t.Fatal(err)
		}
		if sent := host.Sent(); sent[0].Header.Get("content-length") != "0" {
			t.Errorf("%v", sent)
		}
	}
}

func TestRedirectsAreTheClients(t *testing.T) {
	host := guesttest.New(t)
	host.Answer("http://a.example/", guesttest.Answer{Status: 302, Header: guesthttp.Header{"location": {"/b"}}})
	host.Answer("http://a.example/b", guesttest.Answer{})
	response, err := http.Get("http://a.example/")
	if err != nil || response.StatusCode != 200 {
		t.Fatal(response, err)
	}
	if sent := host.Sent(); len(sent) != 2 {
		t.Errorf("%v", sent)
	}
	if _, err := http.Get("http://b.example/"); !errors.Is(err, guesthttp.ErrDenied) {
		t.Error(err)
	}
	request, _ := http.NewRequest("GET", "http://a.example/", nil)
	request.Method = "\xff"
	if _, err := http.DefaultClient.Do(request); !errors.Is(err, guesthttp.ErrMethod) {
		t.Error(err)
	}
	request.Method = "GET"
	request.Host = "b.example"
	if _, err := http.DefaultClient.Do(request); !errors.Is(err, guesthttp.ErrHeader) {
		t.Error(err)
	}
}
