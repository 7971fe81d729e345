package gate

import (
	"strings"

	witRuntime "socklet/guest/internal/abi/runtime"
	witTypes "socklet/guest/internal/abi/types"
	bindings "socklet/guest/internal/bindings/socklet_websocket_gate"
	"socklet/guest/internal/bindings/socklet_websocket_types"
	export "socklet/guest/internal/export/gate"
	"socklet/guest/internal/host"
)

type result = witTypes.Result[bindings.Acceptance, bindings.Rejection]

func init() {
	export.OnRequest = func(conn uint64, request socklet_websocket_types.Request) result {
		witRuntime.Begin()
		defer witRuntime.End()
		return answer(conn, host.RequestOf(request)).result()
	}
}

func (a Answer) result() result {
	headers := make([]witTypes.Tuple2[string, []byte], len(a.headers))
	for i, header := range a.headers {
		headers[i] = witTypes.Tuple2[string, []byte]{F0: valid(header.Name), F1: []byte(header.Value)}
	}
	if a.rejected {
		return witTypes.Err[bindings.Acceptance](bindings.Rejection{Status: a.status, Headers: headers, Body: valid(a.body)})
	}
	acceptance := bindings.Acceptance{Headers: headers}
	if a.agrees {
		acceptance.Subprotocol = witTypes.Some(valid(a.subprotocol))
	}
	if a.hasAttachment {
		acceptance.Attachment = witTypes.Some(a.attachment)
	}
	return witTypes.Ok[bindings.Acceptance, bindings.Rejection](acceptance)
}

func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
