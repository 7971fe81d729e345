// What of the SDK needs no host.
#include <stdio.h>
#include <stdlib.h>

#include "socklet/log.h"
#include "src/members.h"
#include "src/owners.h"

static int failures;

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      failures++;                                                     \
    }                                                                 \
  } while (0)

static void check_text(socklet_buffer *buffer, const char *expected, int line) {
  socklet_string text = socklet_contents(buffer);
  if (!socklet_string_is(text, expected)) {
    fprintf(stderr, "%s:%d: \"%.*s\", expected \"%s\"\n", __FILE__, line, SOCKLET_ARG(text),
            expected);
    failures++;
  }
  socklet_free(buffer);
}

// As printf would print it, and as this does.
#define FORMAT(...)                                     \
  do {                                                  \
    char expected[200];                                 \
    snprintf(expected, sizeof expected, __VA_ARGS__);   \
    socklet_buffer buffer = {0};                        \
    socklet_appendf(&buffer, __VA_ARGS__);              \
    check_text(&buffer, expected, __LINE__);            \
  } while (0)

static void formats_are_those_of_printf(void) {
  FORMAT("plain");
  FORMAT("%s and %s", "one", "another");
  FORMAT("[%5s] [%-5s] [%.2s] [%.*s]", "ab", "ab", "abcd", 3, "abcd");
  FORMAT("%c%c", 'a', 'b');
  FORMAT("%d %i %d %d", 0, 1, -1, -2147483647 - 1);
  FORMAT("[%5d] [%-5d] [%05d] [%+d] [% d] [%.3d] [%5.3d] [%.0d]", 42, 42, -42, 42, 42, 7, 7, 0);
  FORMAT("%u %x %X %#x %#x %08x", 4294967295u, 48879u, 48879u, 255u, 0u, 48879u);
  FORMAT("%ld %lu %lld %llu", -5L, 5UL, -9223372036854775807LL - 1, 18446744073709551615ULL);
  FORMAT("%zu %td %jd", (size_t) 7, (ptrdiff_t) -3, (intmax_t) -9);
  FORMAT("%hhd %hhu %hd %hu", -1, 255, -1, 65535);
  FORMAT("[%*d] [%*d]", 4, 7, -4, 7);
  FORMAT("100%%");
  int here;
  FORMAT("%p", (void *) &here);
}

static void a_number_that_is_not_known_says_what_to_do(void) {
  socklet_buffer buffer = {0};
  socklet_appendf(&buffer, "%d %f %s", 1, 2.5, "three");
  check_text(&buffer, "1 <no %f here: use snprintf> three", __LINE__);
}

static void buffers_grow_and_end_in_a_nul(void) {
  socklet_buffer buffer = {0};
  CHECK(socklet_string_is(socklet_contents(&buffer), ""));
  for (int i = 0; i < 1000; i++) {
    socklet_append(&buffer, "0123456789", 10);
  }
  CHECK(buffer.length == 10000 && buffer.data[10000] == '\0' && buffer.data[9999] == '9');
  socklet_free(&buffer);
  CHECK(buffer.data == NULL && buffer.length == 0);
}

#define FIELD(name, value)                            \
  {                                                   \
    {name, sizeof name - 1}, { value, sizeof value - 1 } \
  }

static void header_fields_are_found_in_any_case(void) {
  socklet_header_field fields[] = {FIELD("host", "a"), FIELD("x-id", "1"), FIELD("x-id", ""),
                                   FIELD("x-id", "3")};
  socklet_request request = {.headers = fields, .header_count = 4};
  CHECK(socklet_string_is(socklet_header(&request, "X-Id"), "1"));
  CHECK(socklet_header(&request, "x").data == NULL);
  CHECK(socklet_header(&request, "x-id2").data == NULL);
  size_t at = 0;
  CHECK(socklet_string_is(socklet_next_header(&request, "x-id", &at), "1"));
  CHECK(socklet_string_is(socklet_next_header(&request, "x-id", &at), ""));
  CHECK(socklet_string_is(socklet_next_header(&request, "x-id", &at), "3"));
  CHECK(socklet_next_header(&request, "x-id", &at).data == NULL);
}

static void cookies_are_gathered_from_every_field(void) {
  socklet_header_field fields[] = {FIELD("cookie", "a=1;b=2=3 ; flag; empty="), FIELD("x", "c=9"),
                                   FIELD("cookie", "c=\"4\"; a=5")};
  socklet_request request = {.headers = fields, .header_count = 3};
  CHECK(socklet_string_is(socklet_cookie(&request, "a"), "1"));
  CHECK(socklet_string_is(socklet_cookie(&request, "b"), "2=3"));
  CHECK(socklet_string_is(socklet_cookie(&request, "c"), "\"4\""));
  CHECK(socklet_string_is(socklet_cookie(&request, "empty"), ""));
  CHECK(socklet_cookie(&request, "flag").data == NULL);
  CHECK(socklet_cookie(&request, "A").data == NULL);
}

static void check_query(const char *query, const char *name, const char *expected, int line) {
  socklet_request request = {.query = socklet_string_of(query)};
  socklet_buffer value = {0};
  bool found = socklet_query(&request, name, &value);
  if (found != (expected != NULL)) {
    fprintf(stderr, "%s:%d: %s in %s\n", __FILE__, line, found ? "found" : "not found", query);
    failures++;
    socklet_free(&value);
    return;
  }
  check_text(&value, expected == NULL ? "" : expected, line);
}

static void queries_are_read_as_forms_write_them(void) {
  check_query("name=caf%C3%A9+x&b=2", "name", "caf\xc3\xa9 x", __LINE__);
  check_query("a=1&a=2", "a", "1", __LINE__);
  check_query("debug&x=", "debug", "", __LINE__);
  check_query("debug&x=", "x", "", __LINE__);
  check_query("a%20b=1", "a b", "1", __LINE__);
  check_query("a=100%&b=%4&c=%zz%41", "a", "100%", __LINE__);
  check_query("a=100%&b=%4&c=%zz%41", "b", "%4", __LINE__);
  check_query("a=100%&b=%4&c=%zz%41", "c", "%zzA", __LINE__);
  check_query("&&a=1=2", "a", "1=2", __LINE__);
  check_query("&&=7", "", "7", __LINE__);
  check_query("a=1&&", "", NULL, __LINE__);
  check_query("ab=1", "a", NULL, __LINE__);
  check_query("", "a", NULL, __LINE__);
  check_query(NULL, "", NULL, __LINE__);
}

static void a_copied_request_outlives_the_first(void) {
  char path[] = "/here";
  socklet_header_field fields[] = {FIELD("host", "a"), FIELD("x", "")};
  socklet_request request = {.path = socklet_string_of(path), .headers = fields, .header_count = 2,
                             .remote_address = socklet_string_of("unix")};
  socklet_request *copy = socklet_copy_request(&request);
  memset(path, 0, sizeof path);
  memset(fields, 0, sizeof fields);
  CHECK(socklet_string_is(copy->path, "/here"));
  CHECK(socklet_string_is(copy->remote_address, "unix"));
  CHECK(copy->query.data == NULL && copy->subprotocol.data == NULL);
  CHECK(socklet_string_is(socklet_header(copy, "host"), "a"));
  CHECK(socklet_string_is(socklet_header(copy, "x"), ""));
  free(copy);
}

static void members_are_kept_by_their_ids(void) {
  int states[5];
  socklet_connection ids[] = {5, 9, 2, 7, 3};
  for (int i = 0; i < 5; i++) {
    members_add(ids[i], &states[i]);
  }
  CHECK(socklet_member_count() == 5);
  CHECK(socklet_member(0) == 2 && socklet_member(4) == 9);
  CHECK(socklet_state(7) == &states[3] && socklet_state(4) == NULL);
  CHECK(members_remove(7) == &states[3] && members_remove(7) == NULL);
  CHECK(socklet_member_count() == 4 && socklet_state(9) == &states[1]);
}

static void a_timer_has_the_owner_that_it_was_set_for(void) {
  owners_add((owned){10, 1, false});
  owners_add((owned){11, 1, true});
  owners_add((owned){12, 2, true});
  CHECK(owners_take(10) == 1 && owners_take(10) == SOCKLET_NOBODY);
  CHECK(owners_take(11) == 1 && owners_take(11) == 1);
  owners_forget(11);
  CHECK(owners_take(11) == SOCKLET_NOBODY && owners_count() == 1 && owners_at(0).timer == 12);
}

// What members.c calls where a broadcast meets a host, which there is none of here.
socklet_write_outcome socklet_try_write(socklet_connection connection, socklet_message message) {
  (void) connection, (void) message;
  return SOCKLET_CLOSED;
}

socklet_close_outcome socklet_close(socklet_connection connection, uint16_t code,
                                    const char *reason) {
  (void) connection, (void) code, (void) reason;
  return SOCKLET_CLOSE_LATE;
}

void socklet_logf(socklet_level level, const char *format, ...) {
  (void) level, (void) format;
}

#define TEST(name) {#name, name}

static const struct {
  const char *name;
  void (*run)(void);
} TESTS[] = {
    TEST(formats_are_those_of_printf),
    TEST(a_number_that_is_not_known_says_what_to_do),
    TEST(buffers_grow_and_end_in_a_nul),
    TEST(header_fields_are_found_in_any_case),
    TEST(cookies_are_gathered_from_every_field),
    TEST(queries_are_read_as_forms_write_them),
    TEST(a_copied_request_outlives_the_first),
    TEST(members_are_kept_by_their_ids),
    TEST(a_timer_has_the_owner_that_it_was_set_for),
};

int main(void) {
  int failed = 0, count = sizeof TESTS / sizeof *TESTS;
  for (int i = 0; i < count; i++) {
    int before = failures;
    TESTS[i].run();
    if (failures > before) {
      fprintf(stderr, "failed: %s\n", TESTS[i].name);
      failed++;
    }
  }
  printf("%d passed, %d failed\n", count - failed, failed);
  return failed > 0;
}
