//go:build wasip1

package wit_runtime

// Handle is the component's own name for a resource, until it is given away or dropped.
type Handle struct{ value int32 }

// MakeHandle is one for a number that the host has given.
func MakeHandle(value int32) *Handle { return &Handle{value} }

// Use is the number.
func (h *Handle) Use() int32 {
	if h.value == 0 {
		panic("a resource is used after its end")
	}
	return h.value
}

// Take is the number, and gives it away.
func (h *Handle) Take() int32 {
	value := h.Use()
	h.value = 0
	return value
}

// TakeOrNil is the number, or 0 where it was given away before.
func (h *Handle) TakeOrNil() int32 {
	value := h.value
	h.value = 0
	return value
}

// Set takes a number that was given back.
func (h *Handle) Set(value int32) { h.value = value }
