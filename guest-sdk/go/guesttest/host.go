package guesttest

import (
	"slices"
	"time"

	"socklet/guest"
	"socklet/guest/internal/host"
)

// As the host's default max-message-size.
const maxMessageSize = 1 << 20

type methods struct{ h *Host }

func (h *Host) methods() host.Host { return methods{h} }

func (m methods) write(conn uint64, message guest.Message, size int) host.WriteOutcome {
	peer := m.h.peers[conn]
	switch {
	case peer == nil || peer.ended || peer.code != 0:
		return host.Closed
	case size > maxMessageSize:
		return host.TooLarge
	}
	peer.written = append(peer.written, message)
	return host.Queued
}

func (m methods) WriteText(conn uint64, text string) host.WriteOutcome {
	return m.write(conn, guest.Text(text), len(text))
}

func (m methods) WriteBinary(conn uint64, data []byte) host.WriteOutcome {
	return m.write(conn, guest.Binary(slices.Clone(data)), len(data))
}

func (m methods) Close(conn uint64, code uint16, reason string) host.CloseOutcome {
	peer := m.h.peers[conn]
	named := code == 1000 || code == 1001 || code == 1003 || 1007 <= code && code <= 1014
	switch {
	case peer == nil || peer.ended || peer.code != 0:
		return host.AlreadyClosed
	case !named && (code < 3000 || 4999 < code) || len(reason) > 123:
		return host.InvalidClose
	}
	peer.code = code
	return host.Closing
}

func (m methods) BufferedAmount(uint64) uint64 { return 0 }

func (m methods) Params(conn uint64) []host.Param {
	var params []host.Param
	if peer := m.h.peers[conn]; peer != nil {
		for name, value := range peer.Params {
			params = append(params, host.Param{Name: name, Value: value})
		}
	}
	return params
}

func (m methods) Claims(conn uint64) (string, bool) {
	peer := m.h.peers[conn]
	if peer == nil || peer.Claims == "" {
		return "", false
	}
	return peer.Claims, true
}

func (m methods) Attachment(conn uint64) ([]byte, bool) {
	peer := m.h.peers[conn]
	if peer == nil || peer.Attachment == nil {
		return nil, false
	}
	return peer.Attachment, true
}

func (m methods) Log(level host.Level, line string) { m.h.log(level, line) }

// The outcomes that both kinds of calls to topics begin with.
const (
	done   = 0
	closed = 1
)

type topicMethods struct{ h *Host }

func (h *Host) topicMethods() host.TopicsHost { return topicMethods{h} }

func (m topicMethods) Subscribe(conn uint64, topic string) uint8 {
	peer := m.h.peers[conn]
	if peer == nil || peer.ended {
		return closed
	}
	if !slices.Contains(m.h.topics[topic], peer) {
		m.h.topics[topic] = append(m.h.topics[topic], peer)
	}
	return done
}

func (h *Host) unsubscribe(peer *Peer, topic string) bool {
	place := slices.Index(h.topics[topic], peer)
	if place < 0 {
		return false
	}
	h.topics[topic] = slices.Delete(h.topics[topic], place, place+1)
	return true
}

func (m topicMethods) Unsubscribe(conn uint64, topic string) bool {
	peer := m.h.peers[conn]
	return peer != nil && m.h.unsubscribe(peer, topic)
}

func (m topicMethods) Publish(topic, text string, binary []byte, isText bool, except uint64, hasExcept bool) uint8 {
	var message guest.Message = guest.Binary(slices.Clone(binary))
	if isText {
		message = guest.Text(text)
	}
	for _, peer := range m.h.topics[topic] {
		if !hasExcept || peer.Conn.ID() != except {
			peer.written = append(peer.written, message)
		}
	}
	return done
}

func (m topicMethods) SubscriberCount(topic string) uint64 { return uint64(len(m.h.topics[topic])) }

// A timer, by the host's clock.
type alarm struct {
	timer, at, every uint64
}

type timerMethods struct{ h *Host }

func (h *Host) timerMethods() host.TimersHost { return timerMethods{h} }

func (m timerMethods) Set(after, every uint64, repeats bool) (uint64, uint8) {
	const outOfRange = 2
	if after < 10 || after > 365*24*3600*1000 {
		return 0, outOfRange
	}
	if !repeats {
		every = 0
	}
	m.h.nextTimer++
	m.h.alarms = append(m.h.alarms, alarm{m.h.nextTimer, m.h.now + after, every})
	return m.h.nextTimer, done
}

func (m timerMethods) Cancel(timer uint64) bool {
	before := len(m.h.alarms)
	m.h.alarms = slices.DeleteFunc(m.h.alarms, func(a alarm) bool { return a.timer == timer })
	return len(m.h.alarms) < before
}

// Advance has time pass: the timers that are due by then go off, in the order of their times.
func (h *Host) Advance(by time.Duration) {
	end := h.now + uint64(by.Milliseconds())
	for {
		due := -1
		for i, alarm := range h.alarms {
			if alarm.at <= end && (due < 0 || alarm.at < h.alarms[due].at) {
				due = i
			}
		}
		if due < 0 {
			break
		}
		alarm := h.alarms[due]
		h.now = alarm.at
		if alarm.every == 0 {
			h.alarms = slices.Delete(h.alarms, due, due+1)
		} else {
			h.alarms[due].at += alarm.every
		}
		if host.Events.OnAlarm != nil {
			host.Events.OnAlarm(alarm.timer)
		}
	}
	h.now = end
}
