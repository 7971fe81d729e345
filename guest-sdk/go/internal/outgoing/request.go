package outgoing

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Send sends a request, and returns when the head of its answer is there. What could not be
// sent is refused here: the bindings end the instance where a name is no text.
func Send(ctx context.Context, request *Request) (*Response, error) {
	if err := request.complete(); err != nil {
		return nil, err
	}
	return Current.Send(ctx, request)
}

// FieldsOf are the fields of a map of them, with their names in lower case. A map has no order;
// what is sent has the same one each time.
func FieldsOf(header map[string][]string) []Field {
	var fields []Field
	for name, values := range header {
		for _, value := range values {
			fields = append(fields, Field{Lower(name), value})
		}
	}
	slices.SortStableFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// Lower has the letters of ASCII in lower case, and nothing else changed: no other letter, such
// as the sign of Kelvin, becomes one that a name may have.
func Lower(name string) string {
	lower := []byte(name)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

// complete finds what is wrong with a request, and has it say its body's length where that is
// known.
func (r *Request) complete() error {
	if !isToken(r.Method) {
		return fmt.Errorf("%w: %q", ErrMethod, r.Method)
	}
	if r.Body == nil {
		r.Length = 0
	}
	says := false
	for _, field := range r.Fields {
		if !isToken(field.Name) {
			return fmt.Errorf("%w: %q", ErrHeader, field.Name)
		}
		if field.Name != contentLength {
			continue
		}
		length, err := strconv.ParseUint(field.Value, 10, 63)
		if says || err != nil || r.Length >= 0 && int64(length) != r.Length {
			return ErrLength
		}
		says, r.Length = true, int64(length)
	}
	if !says && (r.Length > 0 || r.Length == 0 && hasMeaningfulBody(r.Method)) {
		r.Fields = append(r.Fields, Field{contentLength, strconv.FormatInt(r.Length, 10)})
	}
	return nil
}

const contentLength = "content-length"

// ErrLength: it is another one than the header says.
var ErrLength = fmt.Errorf("%w: content-length is not the length of the body", ErrHeader)

// As RFC 9110 has it (8.6): these say so where their body is empty, too.
func hasMeaningfulBody(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}

// isToken is whether RFC 9110 has it for a token (5.6.2), as methods and names of fields are.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		isLetter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		isDigit := '0' <= c && c <= '9'
		return !isLetter && !isDigit && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}
