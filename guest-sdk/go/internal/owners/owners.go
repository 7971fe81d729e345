// Package owners knows which connection's is which timer. It calls no host: who keeps state
// and sets no timers must not import them.
package owners

import "slices"

// Owned is a timer, and whose it is.
type Owned struct {
	Timer, Owner uint64
	Repeats      bool
}

var all []Owned

// Add makes a timer somebody's.
func Add(owned Owned) { all = append(all, owned) }

// Take is whose timer has gone off, and whether it is anybody's. Unless it repeats it is
// nobody's from here on.
func Take(timer uint64) (uint64, bool) {
	place := slices.IndexFunc(all, func(owned Owned) bool { return owned.Timer == timer })
	if place < 0 {
		return 0, false
	}
	owned := all[place]
	if !owned.Repeats {
		all = slices.Delete(all, place, place+1)
	}
	return owned.Owner, true
}

// Forget makes a timer nobody's.
func Forget(timer uint64) {
	all = slices.DeleteFunc(all, func(owned Owned) bool { return owned.Timer == timer })
}

// Of are the timers of an owner.
func Of(owner uint64) []uint64 {
	var timers []uint64
	for _, owned := range all {
		if owned.Owner == owner {
			timers = append(timers, owned.Timer)
		}
	}
	return timers
}

// All of them.
func All() []Owned { return all }
