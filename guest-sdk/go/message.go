package guest

import "fmt"

// Message is one whole WebSocket message: a [Text] or a [Binary].
//
//	switch message := message.(type) {
//	case guest.Text:
//		log.Print(string(message))
//	case guest.Binary:
//		log.Printf("%d bytes", len(message))
//	}
type Message interface {
	// String is the text of a text message, and the size of a binary one, as "<3 bytes>".
	String() string
	// Bytes is the payload; that of a text message is UTF-8. It must not be changed.
	Bytes() []byte
	// Nobody else's type is one.
	isMessage()
}

// Text is a text message. It has to be valid UTF-8: what is not is written with U+FFFD in
// its place.
type Text string

// Binary is a binary message.
type Binary []byte

// String is the text.
func (t Text) String() string { return string(t) }

// Bytes is the text as UTF-8.
func (t Text) Bytes() []byte { return []byte(t) }

func (t Text) isMessage() {}

// String is the size, as "<3 bytes>".
func (b Binary) String() string { return fmt.Sprintf("<%d bytes>", len(b)) }

// Bytes is what it is.
func (b Binary) Bytes() []byte { return b }

func (b Binary) isMessage() {}
