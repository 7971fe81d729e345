// Topics.
#include "../socklet/topics.h"

#include "../socklet/log.h"
#include "raw.h"

static const char *reason_of(socklet_topic_outcome outcome) {
  switch (outcome) {
    case SOCKLET_TOPIC_DONE: return "it is";
    case SOCKLET_TOPIC_CLOSED: return "it is closed or closing";
    case SOCKLET_TOPIC_TOO_LARGE: return "it is over max-message-size: split it";
    case SOCKLET_TOPIC_INVALID:
      return "its name must have 1 to 256 bytes and no control characters";
    case SOCKLET_TOPIC_DENIED: return "a shared topic needs a grant: ask for it in the manifest";
    case SOCKLET_TOPIC_FULL:
      return "there are too many (max-subscriptions, max-topics), or more is published than is "
             "delivered";
    case SOCKLET_TOPIC_UNAVAILABLE: return "the broker can't be reached: try again later";
  }
  return "the host answers what this SDK does not know";
}

static socklet_topic_outcome of_subscribe(socklet_websocket_topics_subscribe_outcome_t raw) {
  switch (raw) {
    case SOCKLET_WEBSOCKET_TOPICS_SUBSCRIBE_OUTCOME_SUBSCRIBED: return SOCKLET_TOPIC_DONE;
    case SOCKLET_WEBSOCKET_TOPICS_SUBSCRIBE_OUTCOME_CLOSED: return SOCKLET_TOPIC_CLOSED;
    case SOCKLET_WEBSOCKET_TOPICS_SUBSCRIBE_OUTCOME_INVALID: return SOCKLET_TOPIC_INVALID;
    case SOCKLET_WEBSOCKET_TOPICS_SUBSCRIBE_OUTCOME_DENIED: return SOCKLET_TOPIC_DENIED;
    case SOCKLET_WEBSOCKET_TOPICS_SUBSCRIBE_OUTCOME_FULL: return SOCKLET_TOPIC_FULL;
    default: return SOCKLET_TOPIC_UNAVAILABLE;
  }
}

static socklet_topic_outcome of_publish(socklet_websocket_topics_publish_outcome_t raw) {
  switch (raw) {
    case SOCKLET_WEBSOCKET_TOPICS_PUBLISH_OUTCOME_PUBLISHED: return SOCKLET_TOPIC_DONE;
    case SOCKLET_WEBSOCKET_TOPICS_PUBLISH_OUTCOME_TOO_LARGE: return SOCKLET_TOPIC_TOO_LARGE;
    case SOCKLET_WEBSOCKET_TOPICS_PUBLISH_OUTCOME_INVALID: return SOCKLET_TOPIC_INVALID;
    case SOCKLET_WEBSOCKET_TOPICS_PUBLISH_OUTCOME_DENIED: return SOCKLET_TOPIC_DENIED;
    case SOCKLET_WEBSOCKET_TOPICS_PUBLISH_OUTCOME_FULL: return SOCKLET_TOPIC_FULL;
    default: return SOCKLET_TOPIC_UNAVAILABLE;
  }
}

socklet_topic_outcome socklet_subscribe(socklet_connection connection, const char *topic) {
  socklet_raw_string_t raw = raw_text(topic);
  socklet_topic_outcome outcome = of_subscribe(socklet_websocket_topics_subscribe(connection, &raw));
  if (outcome != SOCKLET_TOPIC_DONE && outcome != SOCKLET_TOPIC_CLOSED) {
    socklet_error("connection %llu is not subscribed to \"%s\": %s",
                  (unsigned long long) connection, topic, reason_of(outcome));
  }
  return outcome;
}

bool socklet_unsubscribe(socklet_connection connection, const char *topic) {
  socklet_raw_string_t raw = raw_text(topic);
  return socklet_websocket_topics_unsubscribe(connection, &raw) ==
         SOCKLET_WEBSOCKET_TOPICS_UNSUBSCRIBE_OUTCOME_UNSUBSCRIBED;
}

socklet_topic_outcome socklet_publish(const char *topic, socklet_message message,
                                      socklet_connection except) {
  socklet_raw_string_t raw = raw_text(topic);
  socklet_buffer room = {0};
  socklet_websocket_types_message_t payload =
      raw_message(socklet_well_formed_message(message, &room));
  socklet_topic_outcome outcome = of_publish(socklet_websocket_topics_publish(
      &raw, &payload, except == SOCKLET_NOBODY ? NULL : &except));
  socklet_free(&room);
  if (outcome != SOCKLET_TOPIC_DONE) {
    socklet_error("a message is not published to \"%s\": %s", topic, reason_of(outcome));
  }
  return outcome;
}

uint64_t socklet_subscriber_count(const char *topic) {
  socklet_raw_string_t raw = raw_text(topic);
  return socklet_websocket_topics_subscriber_count(&raw);
}
