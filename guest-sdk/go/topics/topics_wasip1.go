package topics

import (
	witTypes "socklet/guest/internal/abi/types"
	bindings "socklet/guest/internal/bindings/socklet_websocket_topics"
	"socklet/guest/internal/bindings/socklet_websocket_types"
	"socklet/guest/internal/host"
)

func init() { host.Topics = fromBindings{} }

type fromBindings struct{}

func (fromBindings) Subscribe(conn uint64, topic string) uint8 {
	return bindings.Subscribe(conn, topic)
}

func (fromBindings) Unsubscribe(conn uint64, topic string) bool {
	return bindings.Unsubscribe(conn, topic) == bindings.UnsubscribeOutcomeUnsubscribed
}

func (fromBindings) Publish(topic, text string, binary []byte, isText bool, except uint64, hasExcept bool) uint8 {
	message := socklet_websocket_types.MakeMessageBinary(binary)
	if isText {
		message = socklet_websocket_types.MakeMessageText(text)
	}
	nobody := witTypes.None[uint64]()
	if hasExcept {
		nobody = witTypes.Some(except)
	}
	return bindings.Publish(topic, message, nobody)
}

func (fromBindings) SubscriberCount(topic string) uint64 { return bindings.SubscriberCount(topic) }
