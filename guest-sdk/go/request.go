package guest

import (
	"strings"
	"unicode/utf8"
)

// Header is one field of a request: its name in lower case, its value as it was sent.
type Header struct {
	Name  string
	Value string
}

// Request is what the peer asked for in the handshake. It may be kept.
type Request struct {
	// Path is percent-decoded once, without the query. It begins with "/" and holds no dot
	// segments.
	Path string
	// RawQuery is what followed the first "?", not decoded, without the "?". [net/url] has
	// what parses it.
	RawQuery string
	// HasQuery is whether there was a "?".
	HasQuery bool
	// Headers are the header fields. A name that was sent more than once is there once for
	// each time, in the order of the request within that name.
	Headers []Header
	// RemoteAddr is "address:port", IPv6 addresses in brackets; "unix" for a peer on a Unix
	// socket.
	RemoteAddr string
	// Subprotocol is the one that the host agreed to, or "".
	Subprotocol string
}

// Header is the first value of a header field, the name in any case, and whether it was sent.
func (r *Request) Header(name string) (string, bool) {
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value, true
		}
	}
	return "", false
}

// HeaderValues is every value of a header field, in the order of the request.
func (r *Request) HeaderValues(name string) []string {
	var values []string
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, name) {
			values = append(values, header.Value)
		}
	}
	return values
}

// Cookie is the first cookie of that name as it was sent, quotes and all, and whether there
// is one.
func (r *Request) Cookie(name string) (string, bool) {
	// HTTP/2 lets a peer send one field for each cookie.
	for _, field := range r.HeaderValues("cookie") {
		for field != "" {
			var pair string
			pair, field, _ = strings.Cut(field, ";")
			key, value, found := strings.Cut(pair, "=")
			if found && trim(key) == name {
				return trim(value), true
			}
		}
	}
	return "", false
}

// What package net/textproto has; that would link the whole of package net.
func trim(text string) string { return strings.Trim(text, " \t\r\n") }

// Query is the first value of that name in the query, and whether there is one. It is read as
// forms write it: "+" for a space, the rest percent-encoded. A name without "=" has an empty
// value, and a "%" that begins no escape stands for itself.
func (r *Request) Query(name string) (string, bool) {
	rest := r.RawQuery
	for rest != "" {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		key, value, _ := strings.Cut(pair, "=")
		if pair != "" && decode(key) == name {
			return decode(value), true
		}
	}
	return "", false
}

func decode(encoded string) string {
	if !strings.ContainsAny(encoded, "%+") {
		return encoded
	}
	decoded := make([]byte, 0, len(encoded))
	for i := 0; i < len(encoded); i++ {
		switch character := encoded[i]; {
		case character == '+':
			decoded = append(decoded, ' ')
		case character == '%' && i+2 < len(encoded) && isHex(encoded[i+1]) && isHex(encoded[i+2]):
			decoded = append(decoded, hex(encoded[i+1])<<4|hex(encoded[i+2]))
			i += 2
		default:
			decoded = append(decoded, character)
		}
	}
	return valid(string(decoded))
}

func isHex(character byte) bool {
	return '0' <= character && character <= '9' || 'a' <= character|0x20 && character|0x20 <= 'f'
}

func hex(character byte) byte {
	if character <= '9' {
		return character - '0'
	}
	return (character | 0x20) - 'a' + 10
}

// What is not UTF-8 must not be handed to the host, which ends the instance for it.
func valid(text string) string {
	// Most is, which this sees much faster.
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
