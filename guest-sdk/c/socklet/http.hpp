// Requests to HTTP servers elsewhere.
//
//     auto story = socklet::http::get("https://api.example.com/story").send();
//     while (auto piece = story.next()) {
//       connection.write(*piece);
//     }
//     if (!story) {
//       socklet::warn(story.why());
//     }
//
// The manifest's `allowed-hosts` names the hosts, and nothing else is reached. What waits, and
// for how long, is told in http.h.
#ifndef SOCKLET_HTTP_HPP
#define SOCKLET_HTTP_HPP

#include <chrono>
#include <utility>

#include "connection.hpp"

namespace socklet::http {

// Why a request failed, or its answer broke off: see `socklet_http_error`.
enum class error : std::uint8_t {
  none,
  url,
  method,
  header,
  denied,
  private_address,
  too_many,
  too_large,
  timeout,
  name,
  connection,
  tls,
  other,
};

// An answer, whose head has come and whose body may still be coming; or why there is none.
// Destroyed before its end, it closes the connection with the other end.
class response {
 public:
  explicit response(const socklet_http_response &raw) : raw_(raw) {}
  response(response &&other) noexcept : raw_(std::exchange(other.raw_, {})) {}
  response &operator=(response &&other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~response() { socklet_http_close(&raw_); }

  // Whether all has gone well so far, whatever the status. Not so where it was moved from.
  explicit operator bool() const {
    return raw_.exchange != nullptr && raw_.error == SOCKLET_HTTP_OK;
  }

  // What went wrong, and that in words; `error::none` and nothing where nothing has.
  http::error error() const { return http::error(raw_.error); }
  std::string_view why() const { return raw_.why == nullptr ? "" : raw_.why; }

  // The status, such as 200; 0 where no answer came.
  std::uint16_t status() const { return raw_.status; }
  // Whether the status is 2xx.
  bool ok() const { return raw_.status >= 200 && raw_.status < 300; }

  // The first value of a header field, the name in any case.
  std::optional<std::string_view> header(const char *name) const {
    return detail::maybe(socklet_http_header(&raw_, name));
  }

  // All header fields, the names in lower case.
  std::span<const socklet_header_field> fields() const {
    return {raw_.headers, raw_.header_count};
  }

  // Waits for the next piece of the body. It is never empty, and as long as what has come by
  // then, up to 64 KiB; it stays until the next call. Nothing at the end, and where something
  // went wrong.
  std::optional<std::string_view> next() {
    socklet_string piece{};
    return socklet_http_next(&raw_, &piece) ? std::optional(detail::view(piece)) : std::nullopt;
  }

  // Waits for the next line of the body, without its end (`\n` or `\r\n`). Otherwise as `next`.
  // A line of more than `most` bytes, its end not counted, is `error::too_large`.
  std::optional<std::string_view> line(std::size_t most = 64 * 1024) {
    socklet_string line{};
    return socklet_http_line(&raw_, most, &line) ? std::optional(detail::view(line))
                                                 : std::nullopt;
  }

  // Waits for all of the body that is left. Nothing where it broke off, or is longer than
  // `most` bytes, which is `error::too_large`.
  std::optional<std::string> read(std::size_t most = 1024 * 1024) {
    socklet_buffer body{};
    bool whole = socklet_http_read(&raw_, most, &body);
    return detail::taken(whole, body);
  }

 private:
  socklet_http_response raw_;
};

// A request that has not been sent.
class request {
 public:
  // Of any method but CONNECT, such as "PUT", and a URL of http or https.
  request(std::string method, std::string url) : method_(std::move(method)), url_(std::move(url)) {}

  // Adds a header field. Whether it can be sent shows in the response.
  request &header(std::string name, std::string value) {
    headers_.emplace_back(std::move(name), std::move(value));
    return *this;
  }

  // Sets the body. Its length is sent with it; that of an empty one with POST, PUT and PATCH.
  request &body(std::string body) {
    body_ = std::move(body);
    return *this;
  }

  // How long the other end may take to be connected with, to begin its answer, and between two
  // pieces of it. It is `http-timeout` at most, which it is by default.
  request &timeout(std::chrono::milliseconds timeout) {
    timeout_ = timeout.count() < 1 ? 1 : std::uint64_t(timeout.count());
    return *this;
  }

  // Sends it, and waits for the head of the answer.
  response send() const {
    std::vector<socklet_header_field> fields;
    for (const auto &[name, value] : headers_) {
      fields.push_back({string(name), string(value)});
    }
    socklet_http_request raw{method_.c_str(), url_.c_str(),  fields.data(),
                             fields.size(),   string(body_), timeout_};
    socklet_http_response answer;
    socklet_http_send(&raw, &answer);
    return response(answer);
  }

 private:
  static socklet_string string(const std::string &text) { return {text.data(), text.size()}; }

  std::string method_, url_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string body_;
  std::uint64_t timeout_ = 0;
};

// A GET request.
inline request get(std::string url) {
  return {"GET", std::move(url)};
}

// A POST request with a body.
inline request post(std::string url, std::string body) {
  return std::move(request("POST", std::move(url)).body(std::move(body)));
}

}  // namespace socklet::http
#endif
