// What only Go's requests do: several at a time in an event, and timers while one waits. It is no
// part of docs/conformance.md, and has a test of its own.
package main

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"socklet/guest"
	"socklet/guest/http"
)

type requests struct{ guest.Base }

var commands = map[string]func(conn guest.Conn, number int, url string) (string, error){
	"together": together,
	"cancel":   cancel,
	"close":    closeLater,
	"tick":     tick,
	"put":      put,
}

// A message is a command, a number and a URL.
func (r *requests) OnMessage(conn guest.Conn, message guest.Message) {
	words := strings.Split(message.String(), " ")
	number, _ := strconv.Atoi(words[1])
	answer, err := commands[words[0]](conn, number, words[2])
	switch {
	case errors.Is(err, context.Canceled):
		answer = "cancelled"
	case err != nil:
		answer = err.Error()
	}
	conn.WriteText(answer)
}

// together has so many goroutines each read ten answers, and says how many bytes that were.
func together(_ guest.Conn, number int, url string) (string, error) {
	var group sync.WaitGroup
	total := 0
	failures := make([]error, number)
	for i := range number {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 10 {
				body, err := read(url)
				if err != nil {
					failures[i] = err
					return
				}
				total += len(body)
			}
		}()
	}
	group.Wait()
	return strconv.Itoa(total), errors.Join(failures...)
}

func read(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// cancel gives a request up by a timer, after so many milliseconds and before its deadline.
func cancel(_ guest.Conn, number int, url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	time.AfterFunc(time.Duration(number)*time.Millisecond, cancel)
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return "", err
	}
	_, err = http.Do(request)
	return "answered", err
}

// closeLater has a timer close a body while it is read.
func closeLater(conn guest.Conn, number int, url string) (string, error) {
	response, err := http.Get(url)
	if err != nil {
		return "", err
	}
	conn.WriteText("begun")
	time.AfterFunc(time.Duration(number)*time.Millisecond, func() { response.Body.Close() })
	_, err = io.ReadAll(response.Body)
	return "ended", err
}

// tick has a timer write while the answer is waited for.
func tick(conn guest.Conn, number int, url string) (string, error) {
	time.AfterFunc(time.Duration(number)*time.Millisecond, func() { conn.WriteText("tick") })
	response, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return strconv.Itoa(response.Status), nil
}

// put says in content-length that its body has so many bytes; it has none.
func put(_ guest.Conn, number int, url string) (string, error) {
	request := http.Request{Method: "PUT", URL: url}
	if number > 0 {
		request.Header = http.Header{"content-length": {strconv.Itoa(number)}}
	}
	response, err := http.Do(&request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return strconv.Itoa(response.Status), nil
}

func init() { guest.Serve[requests]() }

func main() {}
