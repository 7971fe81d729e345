package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"socklet/guest"
	"socklet/guest/timers"
	"socklet/guest/topics"
)

// call is what a command works on.
type call struct {
	*conformance
	conn guest.Conn
	// What is left of the line.
	rest string
}

func (c *call) word() string {
	var word string
	word, c.rest, _ = strings.Cut(c.rest, " ")
	return word
}

func (c *call) number() int {
	number, _ := strconv.Atoi(c.word())
	return number
}

func (c *call) answer(text string) { c.conn.WriteText(text) }

func (c *call) answerFound(text string, found bool) {
	if !found {
		text = "none"
	}
	c.answer(text)
}

// The words of the WIT for the errors that stand for outcomes.
var words = map[error]string{
	guest.ErrFull:         "full",
	guest.ErrClosed:       "closed",
	guest.ErrTooLarge:     "too-large",
	guest.ErrInvalid:      "invalid",
	topics.ErrInvalid:     "invalid",
	topics.ErrDenied:      "denied",
	topics.ErrFull:        "full",
	topics.ErrUnavailable: "unavailable",
	timers.ErrFull:        "full",
	timers.ErrOutOfRange:  "out-of-range",
	timers.ErrUnavailable: "unavailable",
}

func outcome(err error, good string) string {
	if err == nil {
		return good
	}
	return words[err]
}

var commands = map[string]func(c *call){
	"path":        func(c *call) { c.answer(c.request.Path) },
	"query":       func(c *call) { c.answerFound(c.request.RawQuery, c.request.HasQuery) },
	"header":      header,
	"cookie":      func(c *call) { c.answerFound(c.request.Cookie(c.rest)) },
	"parameter":   func(c *call) { c.answerFound(c.request.Query(c.rest)) },
	"address":     func(c *call) { c.answer(c.request.RemoteAddr) },
	"subprotocol": func(c *call) { c.answerFound(c.request.Subprotocol, c.request.Subprotocol != "") },
	"capture":     func(c *call) { c.answerFound(c.conn.Param(c.rest)) },
	"claims":      func(c *call) { c.answerFound(c.conn.Claims()) },
	"attachment":  attachment,
	"id":          func(c *call) { c.answer(strconv.FormatUint(c.conn.ID(), 10)) },
	"count":       func(c *call) { c.answer(strconv.Itoa(c.Messages)) },
	"write":       write,
	"buffered":    buffered,
	"too-large":   func(c *call) { c.answer(outcome(c.conn.TryWrite(make(guest.Binary, 1<<20+1)), "queued")) },
	"stranger":    stranger,
	"close":       closeWith,
	"after-close": afterClose,
	"log":         logAt,
	"print":       func(c *call) { fmt.Println(c.rest); c.answer("printed") },
	"fail":        func(c *call) { panic(errors.New(c.rest)) },

	"subscribe":      func(c *call) { c.answer(outcome(topics.Subscribe(c.conn, c.rest), "subscribed")) },
	"unsubscribe":    unsubscribe,
	"publish":        func(c *call) { c.answer(outcome(topics.Publish(c.word(), guest.Text(c.rest)), "published")) },
	"publish-others": publishOthers,
	"subscribers":    func(c *call) { c.answer(strconv.FormatUint(topics.SubscriberCount(c.rest), 10)) },

	"after":  func(c *call) { remind(c, timers.After, false) },
	"every":  func(c *call) { remind(c, timers.Every, true) },
	"cancel": cancel,

	"refuse-suspend": func(c *call) { c.refusesSuspend = true; c.answer("refusing") },
	"fetch":          fetch,
	"stream":         stream,
	"environment":    func(c *call) { c.answerFound(os.LookupEnv(c.rest)) },
}

func header(c *call) {
	values := c.request.HeaderValues(c.rest)
	c.answerFound(strings.Join(values, "|"), values != nil)
}

func attachment(c *call) {
	attachment := c.conn.Attachment()
	c.answerFound(string(attachment), attachment != nil)
}

func write(c *call) {
	count, size := c.number(), c.number()
	for i := range count {
		c.conn.WriteBinary(bytes.Repeat([]byte{byte(i)}, size))
	}
	c.answer("written")
}

func buffered(c *call) {
	before := c.conn.BufferedAmount()
	c.conn.WriteBinary(make([]byte, 1000))
	c.answer(fmt.Sprintf("buffered %d %d", before, c.conn.BufferedAmount()))
}

func stranger(c *call) {
	written := outcome(guest.Nobody.TryWrite(guest.Text("hello?")), "queued")
	closed := outcome(guest.Nobody.Close(1000, ""), "closing")
	c.answer(fmt.Sprintf("write %s close %s buffered %d", written, closed, guest.Nobody.BufferedAmount()))
}

func closeWith(c *call) {
	code := 1000
	if c.rest != "" {
		code = c.number()
	}
	if err := c.conn.Close(uint16(code), c.rest); err != nil {
		c.answer("close " + outcome(err, ""))
	}
}

func afterClose(c *call) {
	_ = c.conn.Close(1000, "")
	written := outcome(c.conn.TryWrite(guest.Text("late")), "queued")
	closed := outcome(c.conn.Close(1000, ""), "closing")
	log.Printf("after close write=%s close=%s", written, closed)
}

func logAt(c *call) {
	levels := map[string]guest.Level{
		"trace": guest.LevelTrace,
		"debug": guest.LevelDebug,
		"info":  guest.LevelInfo,
		"warn":  guest.LevelWarn,
		"error": guest.LevelError,
	}
	guest.Log(levels[c.word()], c.rest)
	c.answer("logged")
}

func unsubscribe(c *call) {
	if topics.Unsubscribe(c.conn, c.rest) {
		c.answer("unsubscribed")
	} else {
		c.answer("not-subscribed")
	}
}

func publishOthers(c *call) {
	topic := c.word()
	c.answer(outcome(topics.PublishExcept(topic, guest.Text(c.rest), c.conn), "published"))
}

func remind(c *call, set func(guest.Conn, time.Duration) (timers.Timer, error), repeats bool) {
	timer, err := set(c.conn, time.Duration(c.number())*time.Millisecond)
	if err == nil {
		c.Last = timer
		c.Reminders[timer] = reminder{c.rest, repeats}
	}
	c.answer(outcome(err, "set"))
}

func cancel(c *call) {
	delete(c.Reminders, c.Last)
	if c.Last.Cancel() {
		c.answer("cancelled")
	} else {
		c.answer("not-set")
	}
}
