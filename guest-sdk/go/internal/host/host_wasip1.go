package host

import (
	witRuntime "socklet/guest/internal/abi/runtime"
	witTypes "socklet/guest/internal/abi/types"
	"socklet/guest/internal/bindings/socklet_websocket_connection"
	"socklet/guest/internal/bindings/socklet_websocket_log"
	"socklet/guest/internal/bindings/socklet_websocket_opening"
	"socklet/guest/internal/bindings/socklet_websocket_types"
	"socklet/guest/internal/export/handler"
)

func init() {
	Current = bindings{}
	handler.OnReady = func(conn uint64, request socklet_websocket_types.Request) {
		witRuntime.Begin()
		defer witRuntime.End()
		Events.OnReady(conn, RequestOf(request))
	}
	handler.OnMessage = func(conn uint64, message socklet_websocket_types.Message) {
		witRuntime.Begin()
		defer witRuntime.End()
		if message.Tag() == socklet_websocket_types.MessageText {
			Events.OnMessage(conn, message.Text(), nil, true)
		} else {
			Events.OnMessage(conn, "", message.Binary(), false)
		}
	}
	handler.OnClose = func(conn uint64, event socklet_websocket_types.CloseEvent) {
		witRuntime.Begin()
		defer witRuntime.End()
		Events.OnClose(conn, CloseEvent{event.Origin, event.Code, event.Reason, event.Detail})
	}
}

// RequestOf maps a request of the bindings.
func RequestOf(raw socklet_websocket_types.Request) Request {
	request := Request{
		Path:          raw.Path,
		RemoteAddress: raw.RemoteAddress,
		Headers:       make([]Header, len(raw.Headers)),
		HasQuery:      raw.Query.Tag() == witTypes.OptionSome,
		Query:         raw.Query.Some(),
		Subprotocol:   raw.Subprotocol.Some(),
	}
	for i, header := range raw.Headers {
		request.Headers[i] = Header{header.F0, string(header.F1)}
	}
	return request
}

// The calls that answer lists are paused ones: package wit_runtime says why.
type bindings struct{}

func (bindings) WriteText(conn uint64, text string) WriteOutcome {
	message := socklet_websocket_types.MakeMessageText(text)
	return WriteOutcome(socklet_websocket_connection.Write(conn, message))
}

func (bindings) WriteBinary(conn uint64, data []byte) WriteOutcome {
	message := socklet_websocket_types.MakeMessageBinary(data)
	return WriteOutcome(socklet_websocket_connection.Write(conn, message))
}

func (bindings) Close(conn uint64, code uint16, reason string) CloseOutcome {
	return CloseOutcome(socklet_websocket_connection.Close(conn, code, reason))
}

func (bindings) BufferedAmount(conn uint64) uint64 {
	return socklet_websocket_connection.BufferedAmount(conn)
}

func (bindings) Params(conn uint64) []Param {
	raw := witRuntime.Paused(func() []witTypes.Tuple2[string, string] {
		return socklet_websocket_opening.Params(conn)
	})
	params := make([]Param, len(raw))
	for i, param := range raw {
		params[i] = Param{param.F0, param.F1}
	}
	return params
}

func (bindings) Claims(conn uint64) (string, bool) {
	claims := witRuntime.Paused(func() witTypes.Option[string] {
		return socklet_websocket_opening.Claims(conn)
	})
	return claims.Some(), claims.Tag() == witTypes.OptionSome
}

func (bindings) Attachment(conn uint64) ([]byte, bool) {
	attachment := witRuntime.Paused(func() witTypes.Option[[]byte] {
		return socklet_websocket_opening.Attachment(conn)
	})
	return attachment.Some(), attachment.Tag() == witTypes.OptionSome
}

func (bindings) Log(level Level, line string) {
	socklet_websocket_log.Log(uint8(level), line)
}
