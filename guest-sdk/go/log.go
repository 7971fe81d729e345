package guest

import (
	"fmt"
	"strings"

	"socklet/guest/internal/host"
)

// Level is how much a line of the log matters.
type Level uint8

// The levels of the host.
const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Log writes a line to the host's log. Which levels are kept is set on the host. Over 8 KiB it
// is cut. Package [log] does the same at the level info, and with [socklet/guest/slog]
// package [log/slog] does it with its levels.
func Log(level Level, line string) {
	host.Current.Log(host.Level(level), valid(line))
}

// Logf is [Log] with a format.
func Logf(level Level, format string, arguments ...any) {
	Log(level, fmt.Sprintf(format, arguments...))
}

// What package log writes.
type logWriter struct{}

func (logWriter) Write(line []byte) (int, error) {
	Log(LevelInfo, strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}
