// What a text message that begins with `/` does: docs/conformance.md.
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "conformance.hpp"

using namespace std::string_view_literals;

// What a command works on.
struct call {
  Conformance &handler;
  socklet::connection connection;
  // What is left of the line.
  std::string_view rest;

  std::string_view word() {
    std::size_t end = std::min(rest.find(' '), rest.size());
    std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
  }

  std::uint64_t number() {
    std::string_view digits = word();
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }

  std::string text() const { return std::string(rest); }

  void answer(std::string_view text) { connection.write(text); }

  template <class Text>
  void answer_or_none(const std::optional<Text> &text) {
    answer(text ? std::string_view(*text) : "none"sv);
  }
};

constexpr std::string_view WRITE_OUTCOMES[] = {"queued", "full", "closed", "too-large"};
constexpr std::string_view CLOSE_OUTCOMES[] = {"closing", "closed", "invalid"};
constexpr std::string_view TOPIC_OUTCOMES[] = {"published", "closed", "too-large",  "invalid",
                                               "denied",    "full",   "unavailable"};
constexpr std::string_view TIMER_OUTCOMES[] = {"set", "full", "out-of-range", "unavailable"};

// The commands need what the handler keeps.
struct commands {
  // After a swap it is an empty one.
  static socklet::request request(call &call) {
    static const socklet_request none{};
    return call.handler.request_ ? call.handler.request_->get() : socklet::request(&none);
  }

  static void path(call &call) { call.answer(request(call).path()); }
  static void query(call &call) { call.answer_or_none(request(call).query_string()); }

  static void header(call &call) {
    std::optional<std::string> joined;
    for (std::string_view value : request(call).headers(call.text().c_str())) {
      joined = joined ? *joined + "|" + std::string(value) : std::string(value);
    }
    call.answer_or_none(joined);
  }

  static void cookie(call &call) {
    call.answer_or_none(request(call).cookie(call.text().c_str()));
  }

  static void parameter(call &call) {
    call.answer_or_none(request(call).query(call.text().c_str()));
  }

  static void address(call &call) { call.answer(request(call).remote_address()); }
  static void subprotocol(call &call) { call.answer_or_none(request(call).subprotocol()); }
  static void capture(call &call) {
    call.answer_or_none(call.connection.param(call.text().c_str()));
  }
  static void claims(call &call) { call.answer_or_none(call.connection.claims()); }
  static void attachment(call &call) { call.answer_or_none(call.connection.attachment()); }
  static void id(call &call) { call.answer(std::to_string(call.connection.id())); }
  static void count(call &call) { call.answer(std::to_string(call.handler.messages_)); }

  static void write(call &call) {
    std::uint64_t count = call.number(), size = call.number();
    for (std::uint64_t i = 0; i < count; i++) {
      call.connection.write(std::vector<std::uint8_t>(size, std::uint8_t(i)));
    }
    call.answer("written");
  }

  static void buffered(call &call) {
    auto before = call.connection.buffered_amount();
    call.connection.write(std::vector<std::uint8_t>(1000));
    auto after = call.connection.buffered_amount();
    call.answer("buffered " + std::to_string(before) + " " + std::to_string(after));
  }

  static void too_large(call &call) {
    std::vector<std::uint8_t> bytes((1 << 20) + 1);
    call.answer(WRITE_OUTCOMES[int(call.connection.try_write(bytes))]);
  }

  static void stranger(call &call) {
    socklet::connection nobody = socklet::nobody;
    std::string line = "write ";
    line.append(WRITE_OUTCOMES[int(nobody.try_write("hello?"))]);
    line.append(" close ").append(CLOSE_OUTCOMES[int(nobody.close())]);
    line.append(" buffered ").append(std::to_string(nobody.buffered_amount()));
    call.answer(line);
  }

  static void close(call &call) {
    auto code = std::uint16_t(call.rest.empty() ? 1000 : call.number());
    auto outcome = call.connection.close(code, call.text());
    if (outcome != socklet::close_outcome::closing) {
      call.answer("close " + std::string(CLOSE_OUTCOMES[int(outcome)]));
    }
  }

  static void after_close(call &call) {
    call.connection.close();
    std::string line = "after close write=";
    line.append(WRITE_OUTCOMES[int(call.connection.try_write("late"))]);
    line.append(" close=").append(CLOSE_OUTCOMES[int(call.connection.close())]);
    socklet::info(line);
  }

  static void log(call &call) {
    constexpr std::string_view levels[] = {"trace", "debug", "info", "warn", "error"};
    std::string_view level = call.word();
    for (int i = 0; i < 5; i++) {
      if (level == levels[i]) {
        socklet::log(socklet_level(i), call.rest);
      }
    }
    call.answer("logged");
  }

  static void print(call &call) {
    std::puts(call.text().c_str());
    std::fflush(stdout);
    call.answer("printed");
  }

  static void fail(call &call) { socklet::fail(call.rest); }

  static void subscribe(call &call) {
    auto outcome = call.connection.subscribe(call.text());
    bool done = outcome == socklet::topic_outcome::done;
    call.answer(done ? "subscribed"sv : TOPIC_OUTCOMES[int(outcome)]);
  }

  static void unsubscribe(call &call) {
    call.answer(call.connection.unsubscribe(call.text()) ? "unsubscribed" : "not-subscribed");
  }

  static void publish(call &call) {
    std::string topic(call.word());
    call.answer(TOPIC_OUTCOMES[int(socklet::publish(topic, call.rest))]);
  }

  static void publish_others(call &call) {
    std::string topic(call.word());
    call.answer(TOPIC_OUTCOMES[int(socklet::publish(topic, call.rest, call.connection))]);
  }

  static void subscribers(call &call) {
    call.answer(std::to_string(socklet::subscriber_count(call.text())));
  }

  static void remind(call &call, bool repeats) {
    std::chrono::milliseconds time(call.number());
    auto set = repeats ? socklet::every(call.connection, time)
                       : socklet::after(call.connection, time);
    if (set) {
      call.handler.last_timer_ = set.timer->id();
      call.handler.reminders_[set.timer->id()] = {repeats, call.text()};
    }
    call.answer(TIMER_OUTCOMES[int(set.outcome)]);
  }

  static void after(call &call) { remind(call, false); }
  static void every(call &call) { remind(call, true); }

  static void cancel(call &call) {
    bool cancelled = socklet::timer(call.handler.last_timer_).cancel();
    call.handler.reminders_.erase(call.handler.last_timer_);
    call.answer(cancelled ? "cancelled" : "not-set");
  }

  static void refuse_suspend(call &call) {
    call.handler.refuses_suspend_ = true;
    call.answer("refusing");
  }

  static void fetch(call &call) {
    auto response = socklet::http::get(call.text()).send();
    if (auto body = response.read()) {
      call.answer(std::to_string(response.status()) + " " + *body);
    } else {
      socklet::warn(response.why());
      call.answer("error");
    }
  }

  static void stream(call &call) {
    auto response = socklet::http::get(call.text()).send();
    while (auto piece = response.next()) {
      call.answer(*piece);
    }
    call.answer(response ? "end" : "error");
  }

  static void environment(call &call) {
    const char *value = std::getenv(call.text().c_str());
    call.answer(value == nullptr ? "none" : value);
  }
};

bool Conformance::run(socklet::connection connection, std::string_view line) {
  static const std::map<std::string_view, void (*)(call &)> known = {
      {"path", commands::path},
      {"query", commands::query},
      {"header", commands::header},
      {"cookie", commands::cookie},
      {"parameter", commands::parameter},
      {"address", commands::address},
      {"subprotocol", commands::subprotocol},
      {"capture", commands::capture},
      {"claims", commands::claims},
      {"attachment", commands::attachment},
      {"id", commands::id},
      {"count", commands::count},
      {"write", commands::write},
      {"buffered", commands::buffered},
      {"too-large", commands::too_large},
      {"stranger", commands::stranger},
      {"close", commands::close},
      {"after-close", commands::after_close},
      {"log", commands::log},
      {"print", commands::print},
      {"fail", commands::fail},
      {"subscribe", commands::subscribe},
      {"unsubscribe", commands::unsubscribe},
      {"publish", commands::publish},
      {"publish-others", commands::publish_others},
      {"subscribers", commands::subscribers},
      {"after", commands::after},
      {"every", commands::every},
      {"cancel", commands::cancel},
      {"refuse-suspend", commands::refuse_suspend},
      {"fetch", commands::fetch},
      {"stream", commands::stream},
      {"environment", commands::environment},
  };
  call call{*this, connection, line};
  auto found = known.find(call.word());
  if (found == known.end()) {
    return false;
  }
  found->second(call);
  return true;
}
