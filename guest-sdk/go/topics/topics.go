// Package topics publishes and subscribes: what is published to a topic reaches every
// connection that is subscribed to it, in whatever instance, and no handler is called for that.
//
//	func (c *chat) OnReady(conn guest.Conn, request *guest.Request) {
//		topics.Subscribe(conn, "all")
//	}
//
//	func (c *chat) OnMessage(conn guest.Conn, message guest.Message) {
//		topics.PublishExcept("all", message, conn)
//	}
//
// Names have 1 to 256 bytes and no control characters. "news" is a topic of the handler's own;
// "shared:news" is one that handlers share, for which the manifest needs grants. Messages are
// delivered at most once, to who is subscribed when they are published, and those of one
// instance to one topic in the order in which it published them.
package topics

import (
	"errors"
	"strings"
	"unicode/utf8"

	"socklet/guest"
	"socklet/guest/internal/host"
)

// What a subscription or a publication may be refused for. All but ErrClosed are logged.
var (
	// ErrClosed: the connection is closing or closed.
	ErrClosed = guest.ErrClosed
	// ErrTooLarge: the message is over max-message-size or max-backpressure (1 MiB each by
	// default): split it.
	ErrTooLarge = guest.ErrTooLarge
	// ErrInvalid: the name can't be one.
	ErrInvalid = errors.New("a topic's name has 1 to 256 bytes and no control characters")
	// ErrDenied: it is a shared topic that this handler may not use so.
	ErrDenied = errors.New("a shared topic needs a grant: ask for it in the manifest")
	// ErrFull: there are too many subscriptions or topics; or the handler publishes faster
	// than the host delivers. Try again later.
	ErrFull = errors.New("there are too many (max-subscriptions, max-topics), or more is published than is delivered")
	// ErrUnavailable: the broker that connects hosts can't be reached. Try again later.
	ErrUnavailable = errors.New("the broker can't be reached: try again later")
)

// As the WIT numbers them; the second one is closed where one subscribes, and too-large where
// one publishes.
var outcomes = [...]error{nil, ErrClosed, ErrInvalid, ErrDenied, ErrFull, ErrUnavailable}

// Subscribe subscribes a connection to a topic: from now on it gets what is published there,
// each message once. That ends with the connection.
func Subscribe(conn guest.Conn, topic string) error {
	err := outcomes[host.Topics.Subscribe(conn.ID(), valid(topic))]
	if err != nil && err != ErrClosed {
		guest.Logf(guest.LevelError, "connection %d is not subscribed to %q: %v", conn.ID(), topic, err)
	}
	return err
}

// Unsubscribe ends a subscription, and answers false where there was none.
func Unsubscribe(conn guest.Conn, topic string) bool {
	return host.Topics.Unsubscribe(conn.ID(), valid(topic))
}

// Publish sends a message to everybody who is subscribed to a topic. It may wait where the
// handler publishes faster than the host delivers; never for a slow subscriber.
func Publish(topic string, message guest.Message) error {
	return publish(topic, message, 0, false)
}

// PublishExcept is [Publish] to everybody but one connection of this instance: most often the
// one whose message it is.
func PublishExcept(topic string, message guest.Message, except guest.Conn) error {
	return publish(topic, message, except.ID(), true)
}

func publish(topic string, message guest.Message, except uint64, hasExcept bool) error {
	var outcome uint8
	switch message := message.(type) {
	case guest.Text:
		outcome = host.Topics.Publish(valid(topic), valid(string(message)), nil, true, except, hasExcept)
	case guest.Binary:
		outcome = host.Topics.Publish(valid(topic), "", message, false, except, hasExcept)
	}
	err := outcomes[outcome]
	if err == ErrClosed {
		err = ErrTooLarge
	}
	if err != nil {
		guest.Logf(guest.LevelError, "a message is not published to %q: %v", topic, err)
	}
	return err
}

// SubscriberCount is how many connections are subscribed to a topic now, those of other
// instances among them.
func SubscriberCount(topic string) uint64 {
	return host.Topics.SubscriberCount(valid(topic))
}

// What is not UTF-8 must not be handed to the host, which ends the instance for it.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
