// Package timers sets timers. A handler that does has an OnAlarm, to hear of them:
//
//	type clock struct{ guest.Base }
//
//	func (c *clock) OnReady(conn guest.Conn, request *guest.Request) {
//		if _, err := timers.Every(conn, time.Second); err != nil {
//			log.Print(err)
//		}
//	}
//
//	func (c *clock) OnAlarm(conn guest.Conn, timer timers.Timer) {
//		conn.WriteText("tick")
//	}
//
// A timer is a connection's, and ends with it. It outlives a swap and parking as the state
// does. One that is late does not drift, and goes off once for all that were missed.
package timers

import (
	"errors"
	"time"

	"socklet/guest"
	"socklet/guest/internal/host"
	"socklet/guest/internal/owners"
)

// Handler is a handler that hears of its connection's timers.
type Handler interface {
	guest.Handler
	// OnAlarm: a timer has gone off that was set for this connection, which may be closing.
	OnAlarm(conn guest.Conn, timer Timer)
}

// Timer names a timer. It may be compared and kept, and as a number be a part of a snapshot.
type Timer uint64

// Why a timer was not set.
var (
	// ErrFull: the instance has max-timers (256 by default) already.
	ErrFull = errors.New("there are too many timers")
	// ErrOutOfRange: the time is shorter than 10 ms or longer than 365 days.
	ErrOutOfRange = errors.New("a timer takes 10 ms to 365 days")
	// ErrUnavailable: there is nobody whose timer it could be: in a gate, and in the OnClose of
	// an instance's only connection.
	ErrUnavailable = errors.New("no timer can be set here")
)

// As the WIT numbers them.
var outcomes = [...]error{nil, ErrFull, ErrOutOfRange, ErrUnavailable}

// After sets a timer that goes off once. It is the connection's; with [guest.Nobody] it is the
// instance's, and [OnShared] hears of it.
func After(owner guest.Conn, delay time.Duration) (Timer, error) {
	return set(owner, delay, false)
}

// Every sets a timer that goes off again and again.
func Every(owner guest.Conn, period time.Duration) (Timer, error) {
	return set(owner, period, true)
}

func set(owner guest.Conn, delay time.Duration, repeats bool) (Timer, error) {
	// Not early: what the host does not count is rounded up.
	milliseconds := uint64(max(0, (delay+time.Millisecond-1)/time.Millisecond))
	timer, outcome := host.Timers.Set(milliseconds, milliseconds, repeats)
	if err := outcomes[outcome]; err != nil {
		return 0, err
	}
	if owner != guest.Nobody {
		owners.Add(owners.Owned{Timer: timer, Owner: owner.ID(), Repeats: repeats})
	}
	return Timer(timer), nil
}

// Cancel takes a timer back: nothing hears of it any more, even if it is due. It answers false
// where there is no such timer.
func (t Timer) Cancel() bool {
	owners.Forget(uint64(t))
	return host.Timers.Cancel(uint64(t))
}

// OnShared has a function called for timers that are the instance's, as those of a room.
func OnShared(alarm func(timer Timer)) { onShared = alarm }

var onShared func(timer Timer)

func init() {
	host.Events.Ended = func(conn uint64) {
		for _, timer := range owners.Of(conn) {
			Timer(timer).Cancel()
		}
	}
}

// What a test calls in place of the host.
func init() { host.Events.OnAlarm = onAlarm }

func onAlarm(timer uint64) {
	id, owned := owners.Take(timer)
	if !owned {
		if onShared != nil {
			host.Events.Guard(guest.Nobody.ID(), func() { onShared(Timer(timer)) })
		}
		return
	}
	conn := guest.ConnWithID(id)
	handler := guest.HandlerOf(conn)
	if handler == nil {
		return
	}
	hears, ok := handler.(Handler)
	if !ok {
		guest.Logf(guest.LevelError, "a timer has gone off, and %T has no OnAlarm(guest.Conn, timers.Timer)", handler)
		return
	}
	host.Events.Guard(id, func() { hears.OnAlarm(conn, Timer(timer)) })
}
