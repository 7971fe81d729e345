package http

import "socklet/guest/internal/outgoing"

// Header has header fields. Its names are in lower case, and its methods take them in any.
type Header map[string][]string

// Get is the first value of a field; "" where there is none.
func (h Header) Get(name string) string {
	if values := h.Values(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Values are the values of a field, in their order.
func (h Header) Values(name string) []string { return h[outgoing.Lower(name)] }

// Set has a field have one value, whatever it had before.
func (h Header) Set(name, value string) { h[outgoing.Lower(name)] = []string{value} }

// Add adds a value to a field.
func (h Header) Add(name, value string) {
	name = outgoing.Lower(name)
	h[name] = append(h[name], value)
}

// Del removes a field.
func (h Header) Del(name string) { delete(h, outgoing.Lower(name)) }
