// Publish and subscribe: what is published to a topic reaches every connection that is
// subscribed to it, in whatever instance, and no handler is called for that.
//
// Names have 1 to 256 bytes and no control characters. `news` is a topic of the handler's
// own; `shared:news` is one that handlers share, for which the manifest needs grants.
// Messages are delivered at most once, to who is subscribed when they are published.
#ifndef SOCKLET_TOPICS_H
#define SOCKLET_TOPICS_H

#include "connection.h"

#ifdef __cplusplus
extern "C" {
#endif

// What became of a subscription or a publication.
typedef enum socklet_topic_outcome {
  // It is subscribed, or published: on its way to whoever is subscribed, were it nobody.
  SOCKLET_TOPIC_DONE,
  // The connection is closing or closed. (Not of a publication.)
  SOCKLET_TOPIC_CLOSED,
  // The message is over `max-message-size` or `max-backpressure` (1 MiB each by default).
  // (Not of a subscription.)
  SOCKLET_TOPIC_TOO_LARGE,
  // The name can't be one.
  SOCKLET_TOPIC_INVALID,
  // It is a shared topic that this handler may not use so.
  SOCKLET_TOPIC_DENIED,
  // There are too many subscriptions or topics; or the handler publishes faster than the
  // host delivers. Try again later.
  SOCKLET_TOPIC_FULL,
  // The broker that connects hosts can't be reached. Try again later.
  SOCKLET_TOPIC_UNAVAILABLE,
} socklet_topic_outcome;

// Subscribes a connection to a topic: from now on it gets what is published there, each
// message once. That ends with the connection. What can't be is logged, but for a
// connection that has ended. Topics are NUL-terminated texts.
socklet_topic_outcome socklet_subscribe(socklet_connection connection, const char *topic);

// Ends a subscription. False where there was none.
bool socklet_unsubscribe(socklet_connection connection, const char *topic);

// Sends a message to everybody who is subscribed, but one connection of this instance: pass
// SOCKLET_NOBODY to leave none out. It may wait where the handler publishes faster than the
// host delivers; never for a slow subscriber. What is not published is logged.
socklet_topic_outcome socklet_publish(const char *topic, socklet_message message,
                                      socklet_connection except);

// How many connections are subscribed now.
uint64_t socklet_subscriber_count(const char *topic);

#ifdef __cplusplus
}
#endif
#endif
