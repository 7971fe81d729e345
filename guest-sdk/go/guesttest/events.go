package guesttest

import (
	"reflect"
	"strings"
	"unicode"

	"socklet/guest"
	"socklet/guest/timers"
)

// A component can't look at its own methods without being half as large again, so that a
// misspelt one shows here, and nowhere else.
var events = map[string]bool{"OnReady": true, "OnMessage": true, "OnClose": true, "OnAlarm": true}

// checkEvents has the test fail for methods that look like an event's and are none.
func (h *Host) checkEvents(conn guest.Conn) {
	h.t.Helper()
	handler := guest.HandlerOf(conn)
	if handler == nil {
		h.t.Fatalf("the connection has no handler: %s", strings.Join(h.lines, "\n"))
	}
	kind := reflect.TypeOf(handler)
	for i := range kind.NumMethod() {
		name := kind.Method(i).Name
		rest, looksSo := strings.CutPrefix(name, "On")
		looksSo = looksSo && strings.IndexFunc(rest, unicode.IsUpper) == 0
		if looksSo && !events[name] {
			h.t.Errorf("nobody calls %v.%s: events are OnReady, OnMessage, OnClose and OnAlarm. "+
				"Name a method of your own otherwise", kind, name)
		}
		if _, hears := handler.(timers.Handler); name == "OnAlarm" && !hears {
			h.t.Errorf("nobody calls %v.OnAlarm: an event is OnAlarm(guest.Conn, timers.Timer)", kind)
		}
	}
}
