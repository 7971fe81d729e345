// `make test`: the chat in a host that is none, without sockets.

#include <clocale>

#include "chat.hpp"
#include "fake/fake.h"

static void everyone_reads_what_one_says() {
  socklet_connection ada = fake_connect("/{{name}}/blue?name=Ada");
  fake_expect(fake_written(ada), "* Ada joined");
  socklet_connection bob = fake_connect("/{{name}}/blue?name=Bob");
  fake_expect(fake_written(ada), "* Bob joined");
  fake_expect(fake_written(bob), "* Bob joined");

  fake_text(ada, "Hello!");
  fake_expect(fake_written(ada), "Ada: Hello!");
  fake_expect(fake_written(bob), "Ada: Hello!");

  fake_close(bob, 1000, "");
  fake_expect(fake_written(ada), "* Bob left");
  fake_expect(fake_written(ada), nullptr);
  fake_close(ada, 1000, "");
}

static void say(socklet_connection connection, std::size_t count, const std::string &what) {
  for (std::size_t i = 1; i <= count; i++) {
    fake_text(connection, (what + ' ' + std::to_string(i)).c_str());
  }
}

// Takes what a joiner is told, and gives the first line.
static void expect_told(const char *first) {
  socklet_connection late = fake_connect("/{{name}}/blue");
  fake_expect(fake_written(late), first);
  for (std::size_t i = 1; i < kept_lines; i++) {
    fake_written(late);
  }
  fake_expect(fake_written(late), "* guest joined");
  fake_close(late, 1000, "");
}

static void a_joiner_is_told_the_last_lines() {
  socklet_connection ada = fake_connect("/{{name}}/blue?name=Ada");
  say(ada, kept_lines + 2, "line");
  fake_close(ada, 1000, "");
  expect_told("Ada: line 3");
}

static void the_room_goes_on_in_a_new_version() {
  socklet_connection ada = fake_connect("/{{name}}/blue?name=Ada");
  say(ada, kept_lines + 2, "line");
  fake_expect(fake_save(), SOCKLET_OK);
  say(ada, kept_lines, "forgotten");
  fake_expect(fake_restore(), SOCKLET_OK);
  expect_told("Ada: line 3");

  socklet_connection bob = fake_connect("/{{name}}/blue?name=Bob");
  while (fake_written(bob) != nullptr) {
  }
  fake_text(ada, "still Ada");
  fake_expect(fake_written(bob), "Ada: still Ada");
  fake_close(bob, 1000, "");
  fake_close(ada, 1000, "");
}

static void a_torn_line_is_not_restored() {
  const socklet_snapshot *swap = &socklet_exported_snapshot;
  std::size_t length = 1;
  socklet_string torn = {reinterpret_cast<const char *>(&length), sizeof length};
  fake_expect(swap->restore_shared(swap->schema, torn), "a line is torn");
}

static void it_is_for_short_texts() {
  socklet_connection ada = fake_connect("/{{name}}/blue?name=Ada");
  while (fake_written(ada) != nullptr) {
  }
  fake_text(ada, std::string(longest_text + 1, 'x').c_str());
  fake_expect(fake_written(ada), "* a text may have 4096 bytes");
  fake_binary(ada, "\0\1\2", 3);
  fake_expect(fake_closed(ada) == 1003 ? "refused" : nullptr, "refused");
}

static void expect_name(std::string_view asked, const char *expected) {
  fake_expect(name_of(asked).c_str(), expected);
}

static void a_name_can_look_like_no_line() {
  expect_name("* Ada: hi\n", "Ada hi");
  expect_name(" :* ", "guest");
  expect_name("Mary-Ann O'Neil_2.", "Mary-Ann O'Neil_2.");
  expect_name("李小龙 عمر", "李小龙 عمر");
  // Marks that nobody sees, and bytes that are no UTF-8.
  expect_name("\u202e" "adA\u200b", "adA");
  expect_name("A\xff" "d\xc1\x81" "a\xe6\x9d", "Ada");
  expect_name("12345678901234567890123456789012345", "12345678901234567890123456789012");
}

int main() {
  // So that this machine knows the letters of all scripts, as WebAssembly does.
  if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) {
    std::setlocale(LC_CTYPE, "en_US.UTF-8");
  }
  everyone_reads_what_one_says();
  a_joiner_is_told_the_last_lines();
  the_room_goes_on_in_a_new_version();
  a_torn_line_is_not_restored();
  it_is_for_short_texts();
  a_name_can_look_like_no_line();
  return fake_outcome();
}
