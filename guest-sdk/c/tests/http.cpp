// The same in C++.
#include "fake/fake.h"
#include "socklet.hpp"

struct Relay {
  Relay(socklet::connection, const socklet::request &) {}

  void on_message(socklet::connection connection, socklet::message message) {
    auto request = socklet::http::post(std::string(message.text()), "what?");
    auto sent = request.header("accept", "text/plain").send();
    // It may be moved.
    socklet::http::response response = std::move(sent);
    while (auto line = response.line(8)) {
      connection.write(*line);
    }
    connection.write(response ? "end" : response.why());
    bool denied = response.error() == socklet::http::error::denied;
    connection.write(denied ? "denied" : std::to_string(response.status()));
    connection.write(sent || sent.read() ? "still there" : "moved");
  }
};

SOCKLET_EXPORT_TYPE(Relay)

static void check(socklet_connection peer, std::initializer_list<const char *> texts) {
  for (const char *text : texts) {
    fake_expect(fake_written(peer), text);
  }
  fake_expect(fake_written(peer), nullptr);
}

int main() {
  socklet_connection peer = fake_connect("/");
  fake_answer("https://a.example/", 404, "one\r\ntw");
  fake_answer_more("https://a.example/", "o\n");
  fake_text(peer, "https://a.example/");
  fake_expect(fake_asked(), "POST https://a.example/\naccept: text/plain\n\nwhat?");
  check(peer, {"one", "two", "end", "404", "moved"});

  fake_answer("https://a.example/", 200, "123456789");
  fake_text(peer, "https://a.example/");
  check(peer, {"a line with more than 8 bytes is too large", "200", "moved"});

  fake_text(peer, "https://b.example/");
  check(peer, {"the host is not among allowed-hosts", "denied", "moved"});
  fake_close(peer, 1000, "");
  return fake_outcome();
}
