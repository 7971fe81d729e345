package host

// Topics is what publishes and subscribes, where package topics is used.
var Topics TopicsHost

// TopicsHost is what a handler can ask of it. The outcomes are numbered as in the WIT.
type TopicsHost interface {
	Subscribe(conn uint64, topic string) uint8
	Unsubscribe(conn uint64, topic string) bool
	Publish(topic string, text string, binary []byte, isText bool, except uint64, hasExcept bool) uint8
	SubscriberCount(topic string) uint64
}

// Timers is what sets timers, where package timers is used.
var Timers TimersHost

// TimersHost is what a handler can ask of it. The outcome is numbered as in the WIT.
type TimersHost interface {
	Set(after, every uint64, repeats bool) (timer uint64, outcome uint8)
	Cancel(timer uint64) bool
}
