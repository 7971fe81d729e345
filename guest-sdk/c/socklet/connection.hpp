// What a handler can do to a connection, and its log.
#ifndef SOCKLET_CONNECTION_HPP
#define SOCKLET_CONNECTION_HPP

#include "values.hpp"

namespace socklet {

enum class write_outcome : std::uint8_t {
  queued,
  // The connection's queue is at `max-backpressure`. Write it again later, or leave it out.
  full,
  // It is closing or closed. No attempt will succeed.
  closed,
  // The message is over `max-message-size`. No attempt will succeed: split it.
  too_large,
};

enum class close_outcome : std::uint8_t {
  closing,
  // It was closing or closed already.
  closed,
  // The code or the reason can't be sent, and the connection stays open. This is logged.
  invalid,
};

// What became of a subscription or a publication: see `socklet_topic_outcome`.
enum class topic_outcome : std::uint8_t {
  done,
  closed,
  too_large,
  invalid,
  denied,
  full,
  unavailable,
};

// The name of an open connection. It may be copied and kept; nothing here waits.
class connection {
 public:
  explicit connection(socklet_connection id) : id_(id) {}

  // Never given to a second connection while the host runs.
  socklet_connection id() const { return id_; }

  // Sends a message, or closes the connection where it can't: with 1013 where its queue is
  // full, with 1011 where the message is over `max-message-size`. Both are logged.
  void write(const message &message) const { socklet_write(id_, message.raw()); }

  // Sends a message, or says why not, and leaves the rest to you.
  write_outcome try_write(const message &message) const {
    return write_outcome(socklet_try_write(id_, message.raw()));
  }

  // Closes the connection when what was written has been sent. Allowed are the codes 1000,
  // 1001, 1003, 1007 to 1014 and 3000 to 4999, and reasons of up to 123 bytes.
  close_outcome close(std::uint16_t code = 1000, const std::string &reason = {}) const {
    return close_outcome(socklet_close(id_, code, reason.c_str()));
  }

  // The bytes that were written and not yet handed to the operating system.
  std::uint64_t buffered_amount() const { return socklet_buffered_amount(id_); }

  // What the route's capture of this name took from the path.
  std::optional<std::string> param(const char *name) const {
    socklet_buffer value{};
    bool found = socklet_param(id_, name, &value);
    return detail::taken(found, value);
  }

  // The verified claims of its session, a JSON object as text.
  std::optional<std::string> claims() const {
    socklet_buffer claims{};
    bool found = socklet_claims(id_, &claims);
    return detail::taken(found, claims);
  }

  // The bytes that the handler's own gate attached.
  std::optional<std::string> attachment() const {
    socklet_buffer attachment{};
    bool found = socklet_attachment(id_, &attachment);
    return detail::taken(found, attachment);
  }

  // From now on it gets what is published to the topic.
  topic_outcome subscribe(const std::string &topic) const {
    return topic_outcome(socklet_subscribe(id_, topic.c_str()));
  }

  // False where it was not subscribed.
  bool unsubscribe(const std::string &topic) const {
    return socklet_unsubscribe(id_, topic.c_str());
  }

  friend bool operator==(connection, connection) = default;
  friend auto operator<=>(connection, connection) = default;

 private:
  socklet_connection id_;
};

// Nobody: as the one that a broadcast leaves out, or as a timer's owner.
inline const connection nobody{SOCKLET_NOBODY};

// Sends a message to everybody who is subscribed to a topic, but one.
inline topic_outcome publish(const std::string &topic, const message &message,
                             connection except = nobody) {
  return topic_outcome(socklet_publish(topic.c_str(), message.raw(), except.id()));
}

// How many connections are subscribed to a topic.
inline std::uint64_t subscriber_count(const std::string &topic) {
  return socklet_subscriber_count(topic.c_str());
}

// Sends a message to all connections of this instance, but one: for rooms.
inline void broadcast(const message &message, connection except = nobody) {
  socklet_broadcast(message.raw(), except.id());
}

// How many connections this instance has, without the one whose first or last event runs.
inline std::size_t member_count() {
  return socklet_member_count();
}

// Lines for the host's log.
inline void log(socklet_level level, std::string_view line) {
  socklet_log(level, {line.data(), line.size()});
}
inline void trace(std::string_view line) { log(SOCKLET_TRACE, line); }
inline void debug(std::string_view line) { log(SOCKLET_DEBUG, line); }
inline void info(std::string_view line) { log(SOCKLET_INFO, line); }
inline void warn(std::string_view line) { log(SOCKLET_WARN, line); }
inline void error(std::string_view line) { log(SOCKLET_ERROR, line); }

// Logs at level error and ends the instance: its connections are closed with 1011.
[[noreturn]] inline void fail(std::string_view why) {
  socklet_fail("%.*s", int(why.size()), why.data());
}

}  // namespace socklet
#endif
