package outgoing

import (
	"context"
	"fmt"
	"io"

	witRuntime "socklet/guest/internal/abi/runtime"
	witTypes "socklet/guest/internal/abi/types"
	handler "socklet/guest/internal/bindings/wasi_http_outgoing_handler"
	types "socklet/guest/internal/bindings/wasi_http_types"
	streams "socklet/guest/internal/bindings/wasi_io_streams"
)

func init() { Current = bindings{} }

// The calls that may answer text or lists are paused ones: package wit_runtime says why.
type bindings struct{}

func (bindings) Send(ctx context.Context, request *Request) (*Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	outgoing, err := newRequest(request)
	if err != nil {
		return nil, err
	}
	var sent *types.OutgoingBody
	if request.Body != nil {
		// It is the only time that it is asked for.
		sent = outgoing.Body().Ok()
	}
	options := optionsOf(request)
	handled := witRuntime.Paused(func() witTypes.Result[*types.FutureIncomingResponse, types.ErrorCode] {
		return handler.Handle(outgoing, options)
	})
	if failed(handled) {
		if sent != nil {
			sent.Drop()
		}
		return nil, errorOf(handled.Err())
	}
	exchange := &exchange{sent: sent, pending: handled.Ok()}
	response, err := exchange.run(ctx, request)
	if err != nil {
		exchange.drop()
		return nil, err
	}
	return response, nil
}

func newRequest(request *Request) (*types.OutgoingRequest, error) {
	fields := types.MakeFields()
	for _, field := range request.Fields {
		if failed(fields.Append(field.Name, []byte(field.Value))) {
			fields.Drop()
			return nil, fmt.Errorf("%w: %q", ErrHeader, field.Name)
		}
	}
	outgoing := types.MakeOutgoingRequest(fields)
	scheme := types.MakeSchemeHttp()
	if request.URL.Secure {
		scheme = types.MakeSchemeHttps()
	}
	var err error
	switch {
	case failed(outgoing.SetMethod(methodOf(request.Method))):
		err = fmt.Errorf("%w: %q", ErrMethod, request.Method)
	case failed(outgoing.SetScheme(witTypes.Some(scheme))),
		failed(outgoing.SetAuthority(witTypes.Some(request.URL.Authority))),
		failed(outgoing.SetPathWithQuery(witTypes.Some(request.URL.Path))):
		err = fmt.Errorf("%w: %q", ErrURL, request.URL)
	default:
		return outgoing, nil
	}
	outgoing.Drop()
	return nil, err
}

func failed[T, E any](result witTypes.Result[T, E]) bool { return result.Tag() == witTypes.ResultErr }

func methodOf(name string) types.Method {
	switch name {
	case "GET":
		return types.MakeMethodGet()
	case "HEAD":
		return types.MakeMethodHead()
	case "POST":
		return types.MakeMethodPost()
	case "PUT":
		return types.MakeMethodPut()
	case "DELETE":
		return types.MakeMethodDelete()
	case "OPTIONS":
		return types.MakeMethodOptions()
	case "PATCH":
		return types.MakeMethodPatch()
	default:
		return types.MakeMethodOther(name)
	}
}

func optionsOf(request *Request) witTypes.Option[*types.RequestOptions] {
	if request.Timeout <= 0 {
		return witTypes.None[*types.RequestOptions]()
	}
	options := types.MakeRequestOptions()
	time := witTypes.Some(uint64(request.Timeout))
	// All of them are there; where one is not, the host's own limit holds.
	options.SetConnectTimeout(time)
	options.SetFirstByteTimeout(time)
	options.SetBetweenBytesTimeout(time)
	return witTypes.Some(options)
}

// exchange is a request that has been sent, up to its answer's head.
type exchange struct {
	sent    *types.OutgoingBody
	pending *types.FutureIncomingResponse
}

// drop lets go of what is left of it. What of the body was not sent is cut off.
func (e *exchange) drop() {
	if e.sent != nil {
		e.sent.Drop()
	}
	e.pending.Drop()
}

func (e *exchange) run(ctx context.Context, request *Request) (*Response, error) {
	answered := e.pending.Subscribe()
	defer answered.Drop()
	if e.sent != nil {
		whole, err := write(ctx, e.sent, answered, request)
		if err != nil {
			return nil, err
		}
		if whole {
			finished := witRuntime.Paused(func() witTypes.Result[witTypes.Unit, types.ErrorCode] {
				return types.OutgoingBodyFinish(e.sent, witTypes.None[*types.Fields]())
			})
			e.sent = nil
			if failed(finished) {
				return nil, ErrLength
			}
		}
	}
	if err := wait(ctx, answered); err != nil {
		return nil, err
	}
	got := witRuntime.Paused(e.pending.Get)
	if got.Tag() == witTypes.OptionNone || got.Some().Tag() == witTypes.ResultErr {
		return nil, fmt.Errorf("%w: the answer is not there", ErrOther)
	}
	if got.Some().Ok().Tag() == witTypes.ResultErr {
		return nil, errorOf(got.Some().Ok().Err())
	}
	incoming := got.Some().Ok().Ok()
	defer incoming.Drop()
	return &Response{
		Status: int(incoming.Status()),
		Fields: fieldsOf(incoming),
		Body:   newBody(ctx, e, incoming),
	}, nil
}

func fieldsOf(incoming *types.IncomingResponse) []Field {
	headers := incoming.Headers()
	defer headers.Drop()
	entries := witRuntime.Paused(headers.Entries)
	fields := make([]Field, len(entries))
	for i, entry := range entries {
		fields[i] = Field{Lower(entry.F0), string(entry.F1)}
	}
	return fields
}

// What of a request's body is asked for at a time.
const piece = 32 << 10

// write sends a body, and answers whether it was sent whole. Where the server takes no more of
// it, and has answered, the rest is not sent; where the connection has ended, the answer says
// why.
func write(ctx context.Context, to *types.OutgoingBody, answered *types.Pollable, request *Request) (bool, error) {
	stream := to.Write().Ok()
	defer stream.Drop()
	buffer := make([]byte, piece)
	for sent := int64(0); ; {
		size, readErr := request.Body.Read(buffer)
		sent += int64(size)
		if request.Length >= 0 && sent > request.Length {
			// The host would say that the request is too large.
			return false, ErrLength
		}
		for rest := buffer[:size]; len(rest) > 0; {
			room := stream.CheckWrite()
			if failed(room) {
				return false, forget(room.Err())
			}
			if room.Ok() == 0 {
				if answered.Ready() {
					return false, nil
				}
				if err := waitWritable(ctx, stream, answered); err != nil {
					return false, err
				}
				continue
			}
			now := rest[:min(uint64(len(rest)), room.Ok())]
			if written := stream.Write(now); failed(written) {
				return false, forget(written.Err())
			}
			rest = rest[len(now):]
		}
		switch {
		case readErr == io.EOF:
			flushed := stream.Flush()
			if failed(flushed) {
				return false, forget(flushed.Err())
			}
			return true, nil
		case readErr != nil:
			return false, readErr
		case ctx.Err() != nil:
			return false, ctx.Err()
		}
	}
}

func waitWritable(ctx context.Context, stream *streams.OutputStream, answered *types.Pollable) error {
	writable := stream.Subscribe()
	defer writable.Drop()
	return wait(ctx, writable, answered)
}

// forget lets go of an error: the answer has a better one.
func forget(err streams.StreamError) error {
	if err.Tag() == streams.StreamErrorLastOperationFailed {
		err.LastOperationFailed().Drop()
	}
	return nil
}
