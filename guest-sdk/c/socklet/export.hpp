// SOCKLET_EXPORT_TYPE, and what it finds in a class.
#ifndef SOCKLET_EXPORT_HPP
#define SOCKLET_EXPORT_HPP

#include <concepts>

#include "powers.hpp"

namespace socklet::detail {

template <class T>
concept hears_messages = requires(T &t, connection c, message m) { t.on_message(c, m); };
template <class T>
concept hears_close = requires(T &t, connection c, const close_event &e) { t.on_close(c, e); };
template <class T>
concept hears_alarms = requires(T &t, connection c, timer i) { t.on_alarm(c, i); };
template <class T>
concept hears_shared_alarms = requires(timer i) { T::on_shared_alarm(i); };
template <class T>
concept is_gate = requires(connection c, const request &r, answer &a) { T::on_request(c, r, a); };
template <class T>
concept has_schema = requires { T::schema; };
template <class T>
concept lasts = has_schema<T> && requires(const T &t, connection c, std::string_view saved) {
  { t.save() } -> std::same_as<result<std::string>>;
  { T::restore(c, 1u, saved) } -> std::same_as<result<std::unique_ptr<T>>>;
};
template <class T>
concept shares = has_schema<T> && requires(std::string_view saved) {
  { T::save_shared() } -> std::same_as<result<std::string>>;
  { T::restore_shared(1u, saved) } -> std::same_as<std::optional<failure>>;
};

// A name that is meant as an event, but has other parameters, would never be called.
template <class T>
concept names_message = requires { &T::on_message; };
template <class T>
concept names_close = requires { &T::on_close; };
template <class T>
concept names_alarm = requires { &T::on_alarm; };
template <class T>
concept names_request = requires { &T::on_request; };
template <class T>
concept names_shared = requires { &T::save_shared; } || requires { &T::restore_shared; };

// Apart from the functions, so that one mistake is one error.
template <class T>
constexpr bool check() {
  static_assert(std::constructible_from<T, connection, const request &>,
                "a handler is made with (socklet::connection, const socklet::request &)");
  static_assert(hears_messages<T> || !names_message<T>,
                "on_message takes (socklet::connection, socklet::message)");
  static_assert(hears_close<T> || !names_close<T>,
                "on_close takes (socklet::connection, const socklet::close_event &)");
  static_assert(hears_alarms<T> || !names_alarm<T>,
                "on_alarm takes (socklet::connection, socklet::timer)");
  static_assert(is_gate<T> || !names_request<T>,
                "on_request is static, and takes (socklet::connection, const socklet::request &, "
                "socklet::answer &)");
  static_assert(lasts<T> || !has_schema<T>,
                "a handler with a schema has `socklet::result<std::string> save() const` and "
                "`static socklet::result<std::unique_ptr<T>> restore(socklet::connection, "
                "std::uint32_t schema, std::string_view saved)`");
  static_assert(shares<T> || !names_shared<T>,
                "what all connections share is kept by a handler with a schema that has `static "
                "socklet::result<std::string> save_shared()` and `static "
                "std::optional<socklet::failure> restore_shared(std::uint32_t schema, "
                "std::string_view saved)`");
  return true;
}

template <class T>
struct functions {
  static void *on_ready(socklet_connection id, const socklet_request *raw) {
    return new T(connection(id), request(raw));
  }

  static void on_message(void *state, socklet_connection id, socklet_message raw) {
    if constexpr (hears_messages<T>) {
      static_cast<T *>(state)->on_message(connection(id), message(raw));
    }
  }

  static void on_close(void *state, socklet_connection id, const socklet_close_event *raw) {
    std::unique_ptr<T> handler(static_cast<T *>(state));
    if constexpr (hears_close<T>) {
      close_event event{close_origin(raw->origin), raw->code, view(raw->reason),
                        view(raw->detail)};
      handler->on_close(connection(id), event);
    }
  }

  static void on_alarm(void *state, socklet_connection owner, socklet_timer id) {
    if (state == nullptr) {
      if constexpr (hears_shared_alarms<T>) {
        T::on_shared_alarm(timer(id));
      }
    } else if constexpr (hears_alarms<T>) {
      static_cast<T *>(state)->on_alarm(connection(owner), timer(id));
    }
  }

  static void on_request(socklet_connection id, const socklet_request *raw, socklet_answer *out) {
    if constexpr (is_gate<T>) {
      answer answer(out);
      T::on_request(connection(id), request(raw), answer);
    }
  }

  // C takes a text that stays.
  static const char *text_of(failure why) {
    static std::string kept;
    kept = std::move(why.why);
    return kept.c_str();
  }

  static const char *put(result<std::string> saved, socklet_buffer *out) {
    if (auto *why = std::get_if<failure>(&saved)) {
      return text_of(std::move(*why));
    }
    auto *text = std::get_if<std::string>(&saved);
    socklet_append(out, text->data(), text->size());
    return SOCKLET_OK;
  }

  static const char *save(const void *state, socklet_connection, socklet_buffer *out) {
    if constexpr (lasts<T>) {
      return put(static_cast<const T *>(state)->save(), out);
    }
    return SOCKLET_OK;
  }

  static const char *save_shared(socklet_buffer *out) {
    if constexpr (shares<T>) {
      return put(T::save_shared(), out);
    }
    return SOCKLET_OK;
  }

  static const char *restore_shared(std::uint32_t schema, socklet_string saved) {
    if constexpr (shares<T>) {
      if (std::optional<failure> why = T::restore_shared(schema, view(saved))) {
        return text_of(std::move(*why));
      }
    }
    return SOCKLET_OK;
  }

  static const char *restore(std::uint32_t schema, socklet_string saved, socklet_connection id,
                             void **state) {
    if constexpr (lasts<T>) {
      auto restored = T::restore(connection(id), schema, view(saved));
      if (auto *why = std::get_if<failure>(&restored)) {
        return text_of(std::move(*why));
      }
      *state = std::get_if<std::unique_ptr<T>>(&restored)->release();
    }
    return SOCKLET_OK;
  }

  static constexpr std::uint32_t newest_schema() {
    if constexpr (has_schema<T>) {
      return T::schema;
    }
    return 0;
  }

  static constexpr std::uint32_t oldest_schema() {
    if constexpr (requires { T::oldest_schema; }) {
      return T::oldest_schema;
    }
    return 0;
  }
};

template <class T>
constexpr bool with_alarm = hears_alarms<T> || hears_shared_alarms<T>;

// Each is instantiated by SOCKLET_EXPORT_TYPE, and exports something or has nothing.
template <class T, bool = with_alarm<T>>
struct alarm_export {};
template <class T, bool = is_gate<T>>
struct gate_export {};
template <class T, bool = lasts<T>>
struct snapshot_export {};

template <class T>
struct alarm_export<T, true> {
  SOCKLET_RAW_EXPORT_ALARM(static)
};
template <class T>
struct gate_export<T, true> {
  SOCKLET_RAW_EXPORT_GATE(static)
};
template <class T>
struct snapshot_export<T, true> {
  SOCKLET_RAW_EXPORT_SNAPSHOT(static)
};

}  // namespace socklet::detail

// Makes a class the handler that the component exports: once, at the top level of one file.
#define SOCKLET_EXPORT_TYPE(T)                                                                  \
  static_assert(socklet::detail::check<T>());                                                   \
  extern "C" {                                                                                  \
  const socklet_handler socklet_exported_handler = {socklet::detail::functions<T>::on_ready,    \
                                                    socklet::detail::functions<T>::on_message,  \
                                                    socklet::detail::functions<T>::on_close};   \
  const socklet_alarm socklet_exported_alarm =                                                  \
      socklet::detail::with_alarm<T> ? socklet::detail::functions<T>::on_alarm : nullptr;       \
  void (*const socklet_exported_removal)(socklet_connection) =                                  \
      socklet::detail::with_alarm<T> ? socklet_cancel_timers_of : nullptr;                      \
  const socklet_gate socklet_exported_gate = socklet::detail::functions<T>::on_request;         \
  const socklet_snapshot socklet_exported_snapshot = {                                          \
      socklet::detail::functions<T>::newest_schema(),                                           \
      socklet::detail::functions<T>::oldest_schema(),                                           \
      socklet::detail::functions<T>::save,                                                      \
      socklet::detail::functions<T>::restore,                                                   \
      socklet::detail::shares<T> ? socklet::detail::functions<T>::save_shared : nullptr,        \
      socklet::detail::shares<T> ? socklet::detail::functions<T>::restore_shared : nullptr};    \
  }                                                                                             \
  template struct socklet::detail::alarm_export<T>;                                             \
  template struct socklet::detail::gate_export<T>;                                              \
  template struct socklet::detail::snapshot_export<T>;

#endif
