// What events carry: messages and requests.
#ifndef SOCKLET_VALUES_HPP
#define SOCKLET_VALUES_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../socklet.h"

namespace socklet {

namespace detail {

inline std::string_view view(socklet_string string) {
  return {string.data, string.length};
}

inline std::optional<std::string_view> maybe(socklet_string string) {
  if (string.data == nullptr) {
    return std::nullopt;
  }
  return view(string);
}

// Text of a buffer that C has filled, which is freed.
inline std::optional<std::string> taken(bool found, socklet_buffer &buffer) {
  std::optional<std::string> text;
  if (found) {
    text.emplace(view(socklet_contents(&buffer)));
  }
  socklet_free(&buffer);
  return text;
}

}  // namespace detail

// A text as printf would print it: see `socklet_appendf` for what it knows.
SOCKLET_FORMAT(1, 2) inline std::string format(const char *format, ...) {
  socklet_buffer buffer{};
  va_list arguments;
  va_start(arguments, format);
  socklet_vappendf(&buffer, format, arguments);
  va_end(arguments);
  return *detail::taken(true, buffer);
}

// One whole WebSocket message, of somebody else's bytes.
class message {
 public:
  // A text message. What is no UTF-8 in it is sent as U+FFFD.
  message(std::string_view text) : raw_{SOCKLET_TEXT, text.data(), text.size()} {}
  message(const char *text) : message(std::string_view(text)) {}
  message(const std::string &text) : message(std::string_view(text)) {}

  // A binary message.
  message(std::span<const std::byte> bytes)
      : raw_{SOCKLET_BINARY, reinterpret_cast<const char *>(bytes.data()), bytes.size()} {}
  message(std::span<const std::uint8_t> bytes) : message(std::as_bytes(bytes)) {}
  message(const std::vector<std::byte> &bytes) : message(std::span(bytes)) {}
  message(const std::vector<std::uint8_t> &bytes) : message(std::span(bytes)) {}

  explicit message(const socklet_message &raw) : raw_(raw) {}

  bool is_text() const { return raw_.kind == SOCKLET_TEXT; }
  bool is_binary() const { return raw_.kind == SOCKLET_BINARY; }

  // The payload of either kind, as characters or as bytes.
  std::string_view text() const { return {raw_.data, raw_.length}; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text())); }
  std::size_t size() const { return raw_.length; }

  const socklet_message &raw() const { return raw_; }

 private:
  socklet_message raw_;
};

// What the peer asked for in the handshake: a view, there until the event ends.
class request {
 public:
  explicit request(const socklet_request *raw) : raw_(raw) {}

  // Percent-decoded once, without the query.
  std::string_view path() const { return detail::view(raw_->path); }
  // What followed the first `?`, not decoded; none where there was no `?`.
  std::optional<std::string_view> query_string() const { return detail::maybe(raw_->query); }
  // `address:port`; `unix` for a peer on a Unix socket.
  std::string_view remote_address() const { return detail::view(raw_->remote_address); }
  // The one that the host agreed to, if any.
  std::optional<std::string_view> subprotocol() const { return detail::maybe(raw_->subprotocol); }

  // The first value of a header field, the name in any case.
  std::optional<std::string_view> header(const char *name) const {
    return detail::maybe(socklet_header(raw_, name));
  }

  // Every value of a header field, in the order of the request.
  std::vector<std::string_view> headers(const char *name) const {
    std::vector<std::string_view> values;
    std::size_t at = 0;
    socklet_string value;
    while ((value = socklet_next_header(raw_, name, &at)).data != nullptr) {
      values.push_back(detail::view(value));
    }
    return values;
  }

  // All header fields, the names in lower case.
  std::span<const socklet_header_field> fields() const {
    return {raw_->headers, raw_->header_count};
  }

  // The first cookie of that name, as it was sent.
  std::optional<std::string_view> cookie(const char *name) const {
    return detail::maybe(socklet_cookie(raw_, name));
  }

  // The first value of that name in the query, decoded as forms write it.
  std::optional<std::string> query(const char *name) const {
    socklet_buffer value{};
    bool found = socklet_query(raw_, name, &value);
    return detail::taken(found, value);
  }

  const socklet_request *raw() const { return raw_; }

 private:
  const socklet_request *raw_;
};

// A request of one's own: a copy that may be kept.
class kept_request {
 public:
  explicit kept_request(const request &request) : raw_(socklet_copy_request(request.raw())) {}

  request get() const { return request(raw_.get()); }

 private:
  struct free_it {
    void operator()(socklet_request *raw) const { std::free(raw); }
  };
  std::unique_ptr<socklet_request, free_it> raw_;
};

// Who ended a connection.
enum class close_origin : std::uint8_t { peer, handler, host, network };

// How a connection ended; its texts are there until the event ends.
struct close_event {
  close_origin origin;
  // 1005 where the peer's frame had none, 1006 where there was no close frame.
  std::uint16_t code;
  std::string_view reason;
  // One lower-case word that says more, such as `pong-timeout`, or nothing.
  std::string_view detail;
};

}  // namespace socklet
#endif
