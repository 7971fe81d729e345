package timers

import (
	witRuntime "socklet/guest/internal/abi/runtime"
	witTypes "socklet/guest/internal/abi/types"
	bindings "socklet/guest/internal/bindings/socklet_websocket_timers"
	"socklet/guest/internal/export/alarm"
	"socklet/guest/internal/host"
)

func init() {
	host.Timers = fromBindings{}
	alarm.OnAlarm = func(timer uint64) {
		witRuntime.Begin()
		defer witRuntime.End()
		onAlarm(timer)
	}
}

type fromBindings struct{}

func (fromBindings) Set(after, every uint64, repeats bool) (uint64, uint8) {
	period := witTypes.None[uint64]()
	if repeats {
		period = witTypes.Some(every)
	}
	outcome := bindings.Set(after, period)
	if outcome.Tag() != bindings.SetOutcomeSet {
		return 0, outcome.Tag()
	}
	return outcome.Set(), bindings.SetOutcomeSet
}

func (fromBindings) Cancel(timer uint64) bool {
	return bindings.Cancel(timer) == bindings.CancelOutcomeCancelled
}
