// `make test`: the handler in a host that is none, without sockets.

#include "fake/fake.h"

int main(void) {
  socklet_connection peer = fake_connect("/{{name}}");
  fake_text(peer, "Is anybody there?");
  fake_expect(fake_written(peer), "Is anybody there?");
  fake_binary(peer, "bytes", 5);
  fake_expect(fake_written(peer), "bytes");
  fake_close(peer, 1000, "");
  return fake_outcome();
}
