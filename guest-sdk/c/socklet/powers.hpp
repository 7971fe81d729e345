// Timers, the gate's answers, and what comes of a snapshot.
#ifndef SOCKLET_POWERS_HPP
#define SOCKLET_POWERS_HPP

#include <chrono>
#include <utility>
#include <variant>

#include "connection.hpp"

namespace socklet {

// A timer that was set. It may be kept, over a swap as well, and is cancelled by itself when
// the connection has ended that it was set for; to drop it does nothing.
class timer {
 public:
  explicit timer(socklet_timer id) : id_(id) {}

  socklet_timer id() const { return id_; }

  // Takes it back. False where there is no such timer any more.
  bool cancel() const { return socklet_cancel_timer(id_); }

  friend bool operator==(timer, timer) = default;

 private:
  socklet_timer id_;
};

enum class timer_outcome : std::uint8_t { set, full, out_of_range, unavailable };

// A timer, or why there is none.
struct set_result {
  timer_outcome outcome;
  std::optional<socklet::timer> timer;

  explicit operator bool() const { return timer.has_value(); }
};

namespace detail {

inline set_result made(socklet_timer_outcome outcome, socklet_timer id) {
  set_result result{timer_outcome(outcome), std::nullopt};
  if (outcome == SOCKLET_TIMER_SET) {
    result.timer.emplace(id);
  }
  return result;
}

}  // namespace detail

// Sets a timer that goes off once, after 10 ms to 365 days. The owner's handler is told; with
// `nobody` the timer is the instance's.
inline set_result after(connection owner, std::chrono::milliseconds delay) {
  socklet_timer id = 0;
  auto milliseconds = std::uint64_t(delay.count() < 0 ? 0 : delay.count());
  socklet_timer_outcome outcome = socklet_set_timer(owner.id(), milliseconds, &id);
  return detail::made(outcome, id);
}

// Sets one that goes off again and again.
inline set_result every(connection owner, std::chrono::milliseconds period) {
  socklet_timer id = 0;
  auto milliseconds = std::uint64_t(period.count() < 0 ? 0 : period.count());
  socklet_timer_outcome outcome = socklet_set_ticker(owner.id(), milliseconds, &id);
  return detail::made(outcome, id);
}

// How a handshake is answered: accepted, unless it is rejected.
class answer {
 public:
  explicit answer(socklet_answer *raw) : raw_(raw) {}

  // With a status from 400 to 599, and a body of at most 4 KiB.
  answer &reject(std::uint16_t status, const std::string &body = {}) {
    socklet_reject(raw_, status, body.c_str());
    return *this;
  }

  // At most 32 fields with 8 KiB in all.
  answer &header(const std::string &name, const std::string &value) {
    socklet_answer_header(raw_, name.c_str(), value.c_str());
    return *this;
  }

  // A subprotocol that the peer has offered.
  answer &agree(std::string_view subprotocol) {
    socklet_agree(raw_, {subprotocol.data(), subprotocol.size()});
    return *this;
  }

  // What `connection::attachment` is to answer, at most 64 KiB.
  answer &attach(std::string_view bytes) {
    socklet_attach(raw_, bytes.data(), bytes.size());
    return *this;
  }

 private:
  socklet_answer *raw_;
};

// Why something did not come about, for the log.
struct failure {
  std::string why;
};

// A value, or why there is none.
template <class T>
using result = std::variant<T, failure>;

}  // namespace socklet
#endif
