// Package wit_types has what the generated bindings need of the component model's types.
package wit_types

// The tags of an [Option].
const (
	OptionNone = 0
	OptionSome = 1
)

// Option is a value, or none.
type Option[T any] struct {
	tag   uint8
	value T
}

// None is none.
func None[T any]() Option[T] {
	return Option[T]{}
}

// Some is a value.
func Some[T any](value T) Option[T] {
	return Option[T]{OptionSome, value}
}

// Tag is [OptionNone] or [OptionSome].
func (o Option[T]) Tag() uint8 {
	return o.tag
}

// Some is the value; that of T where there is none.
func (o Option[T]) Some() T {
	return o.value
}

// The tags of a [Result].
const (
	ResultOk  = 0
	ResultErr = 1
)

// Result is one value where something went well, and another where it did not.
type Result[T, E any] struct {
	tag uint8
	ok  T
	err E
}

// Ok is what came of it.
func Ok[T, E any](value T) Result[T, E] {
	return Result[T, E]{ok: value}
}

// Err is why it did not go well.
func Err[T, E any](err E) Result[T, E] {
	return Result[T, E]{tag: ResultErr, err: err}
}

// Tag is [ResultOk] or [ResultErr].
func (r Result[T, E]) Tag() uint8 {
	return r.tag
}

// Ok is what came of it.
func (r Result[T, E]) Ok() T {
	return r.ok
}

// Err is why it did not go well.
func (r Result[T, E]) Err() E {
	return r.err
}

// Tuple2 is two values.
type Tuple2[A, B any] struct {
	F0 A
	F1 B
}

// Unit is no value.
type Unit struct{}
