package outgoing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	witRuntime "socklet/guest/internal/abi/runtime"
	witTypes "socklet/guest/internal/abi/types"
	types "socklet/guest/internal/bindings/wasi_http_types"
	streams "socklet/guest/internal/bindings/wasi_io_streams"
)

// What is asked for at a time, at most.
const chunk = 64 << 10

// body is an answer's body, which may still be coming.
type body struct {
	ctx     context.Context
	held    *held
	err     error
	cleanup runtime.Cleanup
	// A Read is under way: what is closed meanwhile by another goroutine, that lets go of.
	reading bool
}

// held is what the host keeps for it: dropped, its connection ends.
type held struct {
	exchange *exchange
	incoming *types.IncomingBody
	stream   *streams.InputStream
}

// drop has the children go before their parents: the other way is a trap.
func (h *held) drop() {
	h.stream.Drop()
	h.incoming.Drop()
	h.exchange.drop()
}

func newBody(ctx context.Context, exchange *exchange, response *types.IncomingResponse) io.ReadCloser {
	// Each of these is asked for once.
	incoming := response.Consume().Ok()
	kept := &held{exchange, incoming, incoming.Stream().Ok()}
	b := &body{ctx: ctx, held: kept}
	// Who forgets to close it keeps a connection until the collector comes by, and no longer.
	b.cleanup = runtime.AddCleanup(b, (*held).drop, kept)
	return b
}

var (
	errClosed = errors.New("the body is closed")
	errBusy   = errors.New("another goroutine reads the body")
)

// Read returns what has come by then, and waits where that is nothing.
func (b *body) Read(into []byte) (int, error) {
	if b.err != nil || len(into) == 0 {
		return 0, b.err
	}
	if b.reading {
		return 0, errBusy
	}
	b.reading = true
	size, err := b.read(into)
	b.reading = false
	switch {
	case b.err != nil:
		b.drop()
		return 0, b.err
	case err != nil:
		b.err = err
		b.drop()
	}
	return size, err
}

func (b *body) read(into []byte) (int, error) {
	for b.err == nil {
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		read := witRuntime.Paused(func() witTypes.Result[[]byte, streams.StreamError] {
			return b.held.stream.Read(uint64(min(len(into), chunk)))
		})
		switch {
		case failed(read):
			return 0, readError(read.Err())
		case len(read.Ok()) > 0:
			return copy(into, read.Ok()), nil
		}
		if err := b.wait(); err != nil {
			return 0, err
		}
	}
	return 0, b.err
}

func (b *body) wait() error {
	readable := b.held.stream.Subscribe()
	defer readable.Drop()
	return waitUnless(b.ctx, func() bool { return b.err != nil }, readable)
}

// Close ends it. What has not come by now does not come.
func (b *body) Close() error {
	if b.err == nil {
		b.err = errClosed
		if !b.reading {
			b.drop()
		}
	}
	return nil
}

func (b *body) drop() {
	b.cleanup.Stop()
	b.held.drop()
}

func readError(err streams.StreamError) error {
	if err.Tag() == streams.StreamErrorClosed {
		return io.EOF
	}
	failure := err.LastOperationFailed()
	defer failure.Drop()
	code := witRuntime.Paused(func() witTypes.Option[types.ErrorCode] {
		return types.HttpErrorCode(failure)
	})
	if code.Tag() == witTypes.OptionSome {
		return errorOf(code.Some())
	}
	return fmt.Errorf("%w: %s", ErrOther, witRuntime.Paused(failure.ToDebugString))
}
