#include "fake/fake.h"

int main(void) {
  fake_expect(fake_written(fake_connect("/")), "Hooray!");
  return fake_outcome();
}
