// `make test`: the handler in a host that is none, without sockets.

#include "fake/fake.h"

int main() {
  socklet_connection peer = fake_connect("/{{name}}");
  fake_expect(fake_written(peer), "Hello!");

  fake_text(peer, "Good morning");
  fake_expect(fake_logged(), "Good morning");
  fake_expect(fake_written(peer), nullptr);

  fake_binary(peer, "\0\1\2", 3);
  fake_expect(fake_logged(), "<3 bytes>");

  fake_close(peer, 1000, "");
  fake_expect(fake_logged(), "Disconnected");
  return fake_outcome();
}
