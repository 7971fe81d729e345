//go:build wasip1

// Package wit_runtime gives the host memory to put its values into, and keeps the garbage
// collector away meanwhile.
//
// When the host calls an export, it first calls cabi_realloc for memory for the arguments,
// and while it does so the component must not call the host: that is a trap ("cannot leave
// component instance"). A garbage collection calls it, since it reads the clock, and so does
// the scheduler. So these are the rules:
//
//   - The collector is off, and no collection is under way, whenever no event runs. [Begin]
//     turns it on, when the arguments are there, and [End] turns it off again and waits for
//     what it has begun.
//   - It is off as well while an import is called that answers more than a number
//     ([Paused]), since the host calls cabi_realloc for its answer.
//   - cabi_realloc has the adapter from WASI preview 1 answer with the time that it last
//     knew: an allocation reads the clock without the collector, too, where the heap grows
//     and the runtime first gives back what it could spare.
//   - No function is exported for the host to call after an export (cabi_post_…), where all
//     this would hold; what was answered is let go with the next call instead.
//
// Nothing is collected that the host has been handed, before it has come back as the arguments
// of an export: so nothing has to hold that.
package wit_runtime

import (
	"math"
	"runtime"
	"runtime/debug"
	"unsafe"
)

var (
	// What GOGC and GOMEMLIMIT of the environment say, or their defaults.
	percent int
	limit   int64

	// What an export has answered, until the next call of one.
	results    runtime.Pinner
	resultArea [9]uint64

	// What was allocated by cabi_realloc since the collector has last been asked.
	unseen uintptr
)

// So many bytes of arguments, and the collector is asked whether it is its turn.
const unseenLimit = 1 << 20

func init() {
	percent = debug.SetGCPercent(-1)
	limit = debug.SetMemoryLimit(math.MaxInt64)
	started = true
}

// Begin lets the collector run.
func Begin() {
	begun++
	debug.SetGCPercent(percent)
	if limit != math.MaxInt64 {
		debug.SetMemoryLimit(limit)
	}
	if unseen >= unseenLimit {
		unseen = 0
		// What was allocated while it was off has begun no collection, and a handler that
		// allocates little itself would not either. A large allocation does, if it is time.
		asked = make([]byte, 40<<10)
		asked = nil
	}
}

// How often the collector was let run.
var begun uint64

// So that it is really allocated.
var asked []byte

// End has the collector finish what it has begun, and then be off.
//
// SetGCPercent first turns it off and then waits until nothing is marked, and only in that wait
// other goroutines run. One of them may call Begin, and even End after it: then the collector
// is off again, but another collection is under way, which this has not waited for. So what
// counts is not whether the collector is off, but whether anybody has let it run since it was
// turned off here. If nobody has, no collection has begun since, the one of before is over,
// and nobody runs until the caller itself waits for something.
//
// For the same reason this waits as well where the collector is off already: that may be by a
// goroutine that still waits here.
func End() {
	for {
		before := begun
		if limit != math.MaxInt64 {
			debug.SetMemoryLimit(math.MaxInt64)
		}
		debug.SetGCPercent(-1)
		if begun == before {
			return
		}
	}
}

// Paused calls a function without the collector, in an event. The function must not wait for
// another goroutine.
//
// Several goroutines may be in End here at the same time, but only one is in its call, since
// none but it runs from the return of End until Begin. So its Begin takes the collector's being
// off from no other call. It may from an End, of another Paused or of an event, that waits
// meanwhile: that one sees it, and goes round again. A call in a call leaves the collector off
// for the outer one.
func Paused[T any](call func() T) T {
	if calling {
		return call()
	}
	End()
	calling = true
	defer resume()
	return call()
}

// A paused call is under way.
var calling bool

func resume() {
	calling = false
	Begin()
}

// Unpin is where the generated bindings would let go of an export's arguments.
func Unpin() {}

// Results keeps what an export answers, and lets go of what the one before has answered.
func Results() *runtime.Pinner {
	results.Unpin()
	return &results
}

// ResultArea is where an export's answer is put: large enough for each of them.
func ResultArea() uintptr {
	return uintptr(unsafe.Pointer(&resultArea))
}

// Allocate makes memory that stays until the pinner lets go of it.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	memory := allocate(size, align)
	if size > 0 {
		pinner.Pin(memory)
	}
	return memory
}

// Before the package is initialized there is no heap to rely on, and the host's adapter
// from WASI preview 1 asks for its own memory with the runtime's first call: 64 KiB for
// what it keeps, and as much for its stack. It keeps that for good.
var (
	started   bool
	early     [192 << 10]byte
	earlyUsed uintptr
)

// Of the adapter: from true to false its clock stands still, and is not asked for.
//
//go:wasmimport wasi_snapshot_preview1 adapter_monotonic_clock_set_paused
func pauseClock(paused bool)

// Its stack is not to grow before the clock is paused, hence nosplit.
//
//go:nosplit
//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if !started {
		return allocateEarly(oldSize, align, size)
	}
	pauseClock(true)
	memory := reallocate(old, oldSize, align, size)
	pauseClock(false)
	return memory
}

func reallocate(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	unseen += size
	memory := allocate(size, align)
	copy(unsafe.Slice((*byte)(memory), size), unsafe.Slice((*byte)(old), oldSize))
	return memory
}

func allocateEarly(oldSize, align, size uintptr) unsafe.Pointer {
	start := uintptr(unsafe.Pointer(&early)) + earlyUsed
	aligned := (start + align - 1) &^ (align - 1)
	earlyUsed += aligned - start + size
	if oldSize != 0 || earlyUsed > uintptr(len(early)) {
		panic("the adapter asks for more memory than is kept for it")
	}
	return unsafe.Pointer(aligned)
}

func allocate(size, align uintptr) unsafe.Pointer {
	switch {
	case size == 0:
		return unsafe.Pointer(align)
	case align == 1:
		return unsafe.Pointer(unsafe.SliceData(make([]byte, size)))
	default:
		// Of 8 bytes each, so that it is aligned for all that there is.
		return unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	}
}
