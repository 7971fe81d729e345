// Package slog has what [log/slog] writes go to the host's log, level by level. Import it for
// that; it has nothing else.
//
//	import (
//		"log/slog"
//
//		_ "socklet/guest/slog"
//	)
//
//	slog.Warn("too many", "count", 7)
//
// Without it what slog writes goes there too, but all at the level info. It adds 2 MiB to
// a component, which is why it is a package of its own.
package slog

import (
	"context"
	"log/slog"
	"strconv"
	"strings"

	"socklet/guest"
)

// LevelTrace is below slog's debug, as the host has it.
const LevelTrace = slog.Level(-8)

func init() {
	slog.SetDefault(slog.New(&logHandler{}))
}

// What slog writes: the message, and key=value for each attribute. Time, handler and
// connection are the host's to add.
type logHandler struct {
	// The attributes of With, as they are written, and the groups of WithGroup.
	attributes string
	groups     string
}

// Which levels are kept is set on the host, which does not say.
func (*logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logHandler) Handle(_ context.Context, record slog.Record) error {
	var line strings.Builder
	line.WriteString(record.Message)
	line.WriteString(h.attributes)
	record.Attrs(func(attribute slog.Attr) bool {
		writeAttribute(&line, h.groups, attribute)
		return true
	})
	guest.Log(levelOf(record.Level), line.String())
	return nil
}

func (h *logHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	var written strings.Builder
	for _, attribute := range attributes {
		writeAttribute(&written, h.groups, attribute)
	}
	return &logHandler{h.attributes + written.String(), h.groups}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &logHandler{h.attributes, h.groups + name + "."}
}

func writeAttribute(line *strings.Builder, groups string, attribute slog.Attr) {
	value := attribute.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attribute.Key != "" {
			groups += attribute.Key + "."
		}
		for _, member := range value.Group() {
			writeAttribute(line, groups, member)
		}
		return
	}
	if attribute.Equal(slog.Attr{}) {
		return
	}
	text := value.String()
	if text == "" || strings.ContainsAny(text, " \"=\n\t") {
		text = strconv.Quote(text)
	}
	line.WriteString(" " + groups + attribute.Key + "=" + text)
}

func levelOf(level slog.Level) guest.Level {
	switch {
	case level < slog.LevelDebug:
		return guest.LevelTrace
	case level < slog.LevelInfo:
		return guest.LevelDebug
	case level < slog.LevelWarn:
		return guest.LevelInfo
	case level < slog.LevelError:
		return guest.LevelWarn
	default:
		return guest.LevelError
	}
}
