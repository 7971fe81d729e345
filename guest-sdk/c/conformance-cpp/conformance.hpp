// The handler, and its commands.
#ifndef CONFORMANCE_HPP
#define CONFORMANCE_HPP

#include <map>

#include "socklet.hpp"

// A timer's text, and whether it goes off again.
struct reminder {
  bool repeats;
  std::string text;
};

class Conformance {
 public:
  Conformance(socklet::connection connection, const socklet::request &request);

  void on_message(socklet::connection connection, socklet::message message);
  void on_close(socklet::connection connection, const socklet::close_event &event);
  void on_alarm(socklet::connection connection, socklet::timer timer);

  static void on_request(socklet::connection connection, const socklet::request &request,
                         socklet::answer &answer);

  static constexpr std::uint32_t schema = 1;
  socklet::result<std::string> save() const;
  static socklet::result<std::unique_ptr<Conformance>> restore(socklet::connection connection,
                                                               std::uint32_t schema,
                                                               std::string_view saved);

 private:
  friend struct commands;

  Conformance() = default;

  // Whether there is such a command.
  bool run(socklet::connection connection, std::string_view line);

  // Not there after a swap.
  std::optional<socklet::kept_request> request_;
  std::uint64_t messages_ = 0;
  bool refuses_suspend_ = false;
  socklet_timer last_timer_ = 0;
  std::map<socklet_timer, reminder> reminders_;
};

#endif
