package snapshot

import (
	"errors"
	"strings"

	witRuntime "socklet/guest/internal/abi/runtime"
	witTypes "socklet/guest/internal/abi/types"
	bindings "socklet/guest/internal/bindings/socklet_websocket_snapshot"
	export "socklet/guest/internal/export/snapshot"
)

func init() {
	export.Suspend = func() witTypes.Result[bindings.Saved, bindings.SnapshotError] {
		witRuntime.Begin()
		defer witRuntime.End()
		state, err := suspend()
		if err != nil {
			return witTypes.Err[bindings.Saved](toWIT(err))
		}
		return witTypes.Ok[bindings.Saved, bindings.SnapshotError](bindings.Saved{Schema: current.Newest, State: state})
	}
	export.Resume = func(_ []uint64, saved bindings.Saved) witTypes.Result[witTypes.Unit, bindings.SnapshotError] {
		witRuntime.Begin()
		defer witRuntime.End()
		if err := resume(saved.Schema, saved.State); err != nil {
			return witTypes.Err[witTypes.Unit](toWIT(err))
		}
		return witTypes.Ok[witTypes.Unit, bindings.SnapshotError](witTypes.Unit{})
	}
}

func toWIT(err error) bindings.SnapshotError {
	if errors.Is(err, ErrUnknownSchema) {
		return bindings.MakeSnapshotErrorUnknownSchema()
	}
	return bindings.MakeSnapshotErrorFailed(strings.ToValidUTF8(err.Error(), "\uFFFD"))
}
