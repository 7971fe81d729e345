package outgoing

import (
	"context"
	"runtime"
	"slices"
	"time"

	witRuntime "socklet/guest/internal/abi/runtime"
	clock "socklet/guest/internal/bindings/wasi_clocks_monotonic_clock"
	poll "socklet/guest/internal/bindings/wasi_io_poll"
)

// While a component waits in a call of the host, none of its goroutines runs. So whoever
// waits first lets all others go on that can, and then waits for what any goroutine waits for
// here. Those that sleep, or wait for each other, are unknown here, and so are timers, which are
// no goroutines: time.AfterFunc may cancel, close a body or write. So the wait is cut in slices,
// and each is longer than the one before.
type cut struct{ first, last time.Duration }

var (
	// Where there are other goroutines, or somebody could cancel.
	short = cut{time.Millisecond, 50 * time.Millisecond}
	// Where only a timer could go off. Four in a second cost next to nothing.
	long = cut{10 * time.Millisecond, 250 * time.Millisecond}
)

// waiter is a goroutine that waits.
type waiter struct {
	on []*poll.Pollable
	// Zero for none.
	deadline time.Time
}

var waiters []*waiter

// wait returns when one of these is ready, or with the context's error.
func wait(ctx context.Context, on ...*poll.Pollable) error {
	return waitUnless(ctx, func() bool { return false }, on...)
}

// waitUnless is the same, and returns as well when another goroutine has made something so.
func waitUnless(ctx context.Context, over func() bool, on ...*poll.Pollable) error {
	deadline, hasDeadline := ctx.Deadline()
	me := &waiter{on, deadline}
	waiters = append(waiters, me)
	defer func() {
		waiters = slices.DeleteFunc(waiters, func(other *waiter) bool { return other == me })
	}()
	mayBeCancelled := ctx.Done() != nil && !hasDeadline
	for slice := time.Duration(0); ; {
		runtime.Gosched()
		if err := ctx.Err(); err != nil {
			return err
		}
		// The context's own timer may come a moment later.
		if hasDeadline && !time.Now().Before(deadline) {
			return context.DeadlineExceeded
		}
		if over() || slices.ContainsFunc(on, (*poll.Pollable).Ready) {
			return nil
		}
		limits := short
		if runtime.NumGoroutine() == len(waiters) && !mayBeCancelled {
			limits = long
		}
		slice = min(max(2*slice, limits.first), limits.last)
		waitForAny(slice)
	}
}

// waitForAny returns when something has come that anybody waits for, at the first deadline,
// and after the slice.
func waitForAny(slice time.Duration) {
	// Others may run, and have come to an end, until the collector is off.
	witRuntime.Paused(func() []uint32 {
		all, longest := allPollables(slice)
		timer := clock.SubscribeDuration(uint64(longest))
		defer timer.Drop()
		return poll.Poll(append(all, timer))
	})
}

// allPollables are what anybody waits for, and how long until the first deadline, or the slice's
// end.
func allPollables(slice time.Duration) ([]*poll.Pollable, time.Duration) {
	var all []*poll.Pollable
	longest := slice
	for _, waiter := range waiters {
		all = append(all, waiter.on...)
		if !waiter.deadline.IsZero() {
			longest = min(longest, max(time.Until(waiter.deadline), 1))
		}
	}
	return all, longest
}
