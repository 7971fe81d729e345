// `make test`: the chat in a host that is none, without sockets.

#include <locale.h>
#include <stdlib.h>

#include "chat.h"
#include "fake/fake.h"

static void everyone_reads_what_one_says(void) {
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
  fake_expect(fake_written(ada), NULL);
  fake_close(ada, 1000, "");
}

static void say(socklet_connection connection, int count, const char *what) {
  for (int i = 1; i <= count; i++) {
    socklet_buffer text = {0};
    socklet_appendf(&text, "%s %d", what, i);
    fake_text(connection, text.data);
    socklet_free(&text);
  }
}

// Takes what a joiner is told, and gives the first line.
static void expect_told(const char *first) {
  socklet_connection late = fake_connect("/{{name}}/blue");
  fake_expect(fake_written(late), first);
  for (int i = 1; i < KEPT_LINES; i++) {
    fake_written(late);
  }
  fake_expect(fake_written(late), "* guest joined");
  fake_close(late, 1000, "");
}

static void a_joiner_is_told_the_last_lines(void) {
  socklet_connection ada = fake_connect("/{{name}}/blue?name=Ada");
  say(ada, KEPT_LINES + 2, "line");
  fake_close(ada, 1000, "");
  expect_told("Ada: line 3");
}

static void the_room_goes_on_in_a_new_version(void) {
  socklet_connection ada = fake_connect("/{{name}}/blue?name=Ada");
  say(ada, KEPT_LINES + 2, "line");
  fake_expect(fake_save(), SOCKLET_OK);
  say(ada, KEPT_LINES, "forgotten");
  fake_expect(fake_restore(), SOCKLET_OK);
  expect_told("Ada: line 3");

  socklet_connection bob = fake_connect("/{{name}}/blue?name=Bob");
  while (fake_written(bob) != NULL) {
  }
  fake_text(ada, "still Ada");
  fake_expect(fake_written(bob), "Ada: still Ada");
  fake_close(bob, 1000, "");
  fake_close(ada, 1000, "");
}

static void a_torn_line_is_not_restored(void) {
  const socklet_snapshot *swap = &socklet_exported_snapshot;
  size_t length = 1;
  socklet_string torn = {(const char *) &length, sizeof length};
  fake_expect(swap->restore_shared(swap->schema, torn), "a line is torn");
}

static void it_is_for_short_texts(void) {
  socklet_connection ada = fake_connect("/{{name}}/blue?name=Ada");
  while (fake_written(ada) != NULL) {
  }
  char text[LONGEST_TEXT + 2] = {0};
  memset(text, 'x', LONGEST_TEXT + 1);
  fake_text(ada, text);
  fake_expect(fake_written(ada), "* a text may have 4096 bytes");
  fake_binary(ada, "\0\1\2", 3);
  fake_expect(fake_closed(ada) == 1003 ? "refused" : NULL, "refused");
}

static void expect_name(const char *asked, const char *expected) {
  char *name = name_of(asked);
  fake_expect(name, expected);
  free(name);
}

static void a_name_can_look_like_no_line(void) {
  expect_name("* Ada: hi\n", "Ada hi");
  expect_name(" :* ", "guest");
  expect_name("Mary-Ann O'Neil_2.", "Mary-Ann O'Neil_2.");
  expect_name("李小龙 عمر", "李小龙 عمر");
  // Marks that nobody sees, and bytes that are no UTF-8.
  expect_name("\u202e" "adA\u200b", "adA");
  expect_name("A\xff" "d\xc1\x81" "a\xe6\x9d", "Ada");
  expect_name("12345678901234567890123456789012345", "12345678901234567890123456789012");
}

int main(void) {
  // So that this machine knows the letters of all scripts, as WebAssembly does.
  if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
    setlocale(LC_CTYPE, "en_US.UTF-8");
  }
  everyone_reads_what_one_says();
  a_joiner_is_told_the_last_lines();
  the_room_goes_on_in_a_new_version();
  a_torn_line_is_not_restored();
  it_is_for_short_texts();
  a_name_can_look_like_no_line();
  return fake_outcome();
}
