// Package snapshot keeps state over swaps, and while an instance is parked: the host asks the
// old instance for its state and gives it to a new one, in which the live connections go on.
// No OnReady and no OnClose is called for that.
//
// Each connection's handler saves and restores itself:
//
//	type counter struct {
//		guest.Base
//		Messages int
//	}
//
//	func (c *counter) Save() ([]byte, error) { return json.Marshal(c) }
//
//	func (c *counter) Restore(conn guest.Conn, schema uint32, saved []byte) error {
//		return json.Unmarshal(saved, c)
//	}
//
//	func init() {
//		guest.Serve[counter]()
//		snapshot.Keep(snapshot.Schema{Newest: 1})
//	}
//
// Package variables are kept where [Shared] says so. Timers and whose they are, are kept.
package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"

	"socklet/guest/internal/host"
	"socklet/guest/internal/owners"

	"socklet/guest"
)

// Handler is a handler whose state is kept.
type Handler interface {
	guest.Handler
	// Save is the state. It has to leave everything as it was: where the new instance does not
	// take it, this one goes on. So it does after an error, which is logged.
	Save() ([]byte, error)
	// Restore takes a state up, in a new value, as OnReady would; OnReady is not called. The
	// schema is the one that it was saved with. After an error all connections go on in the
	// old instance.
	Restore(conn guest.Conn, schema uint32, saved []byte) error
}

// Schema names the forms of the state.
type Schema struct {
	// Newest is the form in which Save writes. Count it up with each change of that.
	Newest uint32
	// Oldest is the oldest one that Restore reads; 0 for none but Newest. States of others
	// are refused, and their connections stay with the version that they are in.
	Oldest uint32
}

// Keep has the state be kept. Call it once, in an init function.
func Keep(schema Schema) { current = schema }

var current Schema

// Shared has what all connections share be kept as well. It is restored before them.
func Shared(save func() ([]byte, error), restore func(schema uint32, saved []byte) error) {
	saveShared, restoreShared = save, restore
}

var (
	saveShared    = func() ([]byte, error) { return nil, nil }
	restoreShared = func(uint32, []byte) error { return nil }
)

// ErrUnknownSchema: a state is in a form that is not known. Restore may answer it as well.
var ErrUnknownSchema = errors.New("the state is of an unknown schema")

var errTorn = errors.New("the state is shorter than it says")

// The form: what is shared, the connections with what was saved of each, the timers with their
// owners. A list has its length before it.

func suspend() (state []byte, err error) {
	if !host.Events.Guard(guest.Nobody.ID(), func() { state, err = save() }) {
		return nil, errors.New("Save has panicked: the log says where")
	}
	return state, err
}

func save() ([]byte, error) {
	shared, err := saveShared()
	if err != nil {
		return nil, err
	}
	state := appendPiece(nil, shared)
	members := host.Events.Members()
	state = binary.LittleEndian.AppendUint64(state, uint64(len(members)))
	for _, id := range members {
		handler, ok := guest.HandlerOf(guest.ConnWithID(id)).(Handler)
		if !ok {
			return nil, fmt.Errorf("%T has no Save and Restore: package snapshot says which",
				guest.HandlerOf(guest.ConnWithID(id)))
		}
		saved, err := handler.Save()
		if err != nil {
			return nil, err
		}
		state = binary.LittleEndian.AppendUint64(state, id)
		state = appendPiece(state, saved)
	}
	timers := owners.All()
	state = binary.LittleEndian.AppendUint64(state, uint64(len(timers)))
	for _, owned := range timers {
		state = binary.LittleEndian.AppendUint64(state, owned.Timer)
		state = binary.LittleEndian.AppendUint64(state, owned.Owner)
		state = append(state, 0)
		if owned.Repeats {
			state[len(state)-1] = 1
		}
	}
	return state, nil
}

func appendPiece(state, piece []byte) []byte {
	state = binary.LittleEndian.AppendUint64(state, uint64(len(piece)))
	return append(state, piece...)
}

func resume(schema uint32, state []byte) (err error) {
	known := schema == current.Newest || current.Oldest != 0 && current.Oldest <= schema && schema < current.Newest
	if !known {
		return ErrUnknownSchema
	}
	if !host.Events.Guard(guest.Nobody.ID(), func() { err = restore(schema, &reader{rest: state}) }) {
		return errors.New("Restore has panicked: the log says where")
	}
	return err
}

func restore(schema uint32, from *reader) error {
	if err := restoreShared(schema, from.piece()); err != nil {
		return err
	}
	for count := from.number(); count > 0 && !from.torn; count-- {
		id, saved := from.number(), from.piece()
		err := host.Events.Restore(id, func(handler any) error {
			kept, ok := handler.(Handler)
			if !ok {
				return fmt.Errorf("%T has no Save and Restore: package snapshot says which", handler)
			}
			return kept.Restore(guest.ConnWithID(id), schema, saved)
		})
		if err != nil {
			return err
		}
	}
	for count := from.number(); count > 0 && !from.torn; count-- {
		timer, owner, repeats := from.number(), from.number(), from.take(1)
		if !from.torn {
			owners.Add(owners.Owned{Timer: timer, Owner: owner, Repeats: repeats[0] == 1})
		}
	}
	if from.torn {
		return errTorn
	}
	return nil
}

type reader struct {
	rest []byte
	torn bool
}

func (r *reader) take(size uint64) []byte {
	if uint64(len(r.rest)) < size {
		r.torn = true
		return nil
	}
	taken := r.rest[:size:size]
	r.rest = r.rest[size:]
	return taken
}

func (r *reader) number() uint64 {
	if bytes := r.take(8); bytes != nil {
		return binary.LittleEndian.Uint64(bytes)
	}
	return 0
}

func (r *reader) piece() []byte { return r.take(r.number()) }
