// Requests to upstreams, of a handler in the fake host.
#include "fake/fake.h"
#include "src/http_host.h"

static void story(socklet_connection connection) {
  socklet_header_field headers[] = {socklet_field("accept", "text/plain")};
  socklet_http_request request = {
      .url = "https://a.example/story", .headers = headers, .header_count = 1};
  socklet_http_response response;
  socklet_http_send(&request, &response);
  socklet_string piece;
  while (socklet_http_next(&response, &piece)) {
    socklet_write(connection, socklet_text(piece));
  }
  socklet_writef(connection, "%u", response.status);
  socklet_http_close(&response);
}

static void lines(socklet_connection connection, size_t most) {
  socklet_http_request request = {.url = "https://a.example/lines"};
  socklet_http_response response;
  socklet_http_send(&request, &response);
  socklet_string line;
  while (socklet_http_line(&response, most, &line)) {
    socklet_writef(connection, "[%.*s]", SOCKLET_ARG(line));
  }
  if (response.error != SOCKLET_HTTP_OK) {
    socklet_write_text(connection, response.why);
  }
  socklet_http_close(&response);
}

static void read_whole(socklet_connection connection, const char *url, size_t most) {
  socklet_http_request request = {
      .method = "POST", .url = url, .body = socklet_string_of("what?")};
  socklet_http_response response;
  socklet_http_send(&request, &response);
  socklet_buffer body = {0};
  if (socklet_http_read(&response, most, &body)) {
    socklet_write(connection, socklet_text(socklet_contents(&body)));
  } else {
    socklet_write_text(connection, response.why);
  }
  socklet_free(&body);
  socklet_http_close(&response);
}

static void left_early(void) {
  socklet_http_request request = {.url = "https://a.example/lines"};
  socklet_http_response response;
  socklet_http_send(&request, &response);
  socklet_string line;
  fake_expect(socklet_http_line(&response, 10, &line) ? "a line" : NULL, "a line");
  // What of the piece is no line yet is not lost.
  fake_expect(socklet_http_next(&response, &line) && line.length == 2 ? "tw" : NULL, "tw");
  socklet_http_close(&response);
  fake_expect(socklet_http_next(&response, &line) ? "more" : NULL, NULL);
}

static void closed_it_has_nothing(void) {
  socklet_http_request request = {.url = "https://a.example/lines"};
  socklet_http_response response;
  socklet_http_send(&request, &response);
  socklet_http_close(&response);
  socklet_buffer body = {0};
  socklet_string line;
  fake_expect(socklet_http_read(&response, 10, &body) ? "read" : NULL, NULL);
  fake_expect(socklet_http_line(&response, 10, &line) ? "a line" : NULL, NULL);
  socklet_http_close(&response);
}

static void expect_sent(socklet_http_request request, socklet_http_error expected) {
  socklet_http_response response;
  socklet_http_send(&request, &response);
  fake_expect(response.error == expected ? "so" : response.why, "so");
  socklet_http_close(&response);
}

static void no_length_is_promised_of_no_body(void) {
  socklet_header_field headers[] = {socklet_field("accept", "*/*"),
                                    socklet_field("Content-Length", "5")};
  socklet_http_request request = {
      .url = "https://a.example/lines", .headers = headers, .header_count = 2};
  expect_sent(request, SOCKLET_HTTP_HEADER);
  request.method = "POST";
  expect_sent(request, SOCKLET_HTTP_HEADER);
  request.body = socklet_string_of("12345");
  expect_sent(request, SOCKLET_HTTP_OK);
  request.body.length = 0;
  headers[1] = socklet_field("content-length", "0");
  expect_sent(request, SOCKLET_HTTP_OK);
}

static void check_length(const char *method, const char *body, bool expected, int line) {
  socklet_http_request request = {.method = method, .body = socklet_string_of(body)};
  fake_check(http_sends_length(&request) ? "sent" : NULL, expected ? "sent" : NULL, __FILE__,
             line);
}

static void the_length_is_sent_where_a_body_is_expected(void) {
  check_length(NULL, "", false, __LINE__);
  check_length("GET", NULL, false, __LINE__);
  check_length("DELETE", "", false, __LINE__);
  check_length("DELETE", "x", true, __LINE__);
  check_length("POST", NULL, true, __LINE__);
  check_length("PUT", "", true, __LINE__);
  check_length("PATCH", "", true, __LINE__);
}

// An answer is as it was when the request came.
static void told_anew_while_it_comes(void) {
  const char *url = "https://a.example/anew";
  socklet_http_request request = {.url = url};
  socklet_http_response response;
  socklet_string piece;
  fake_answer(url, 200, "one");
  fake_answer_more(url, " and two");
  fake_answer_header(url, "x-of", "the first");
  socklet_http_send(&request, &response);
  socklet_http_next(&response, &piece);
  socklet_http_next(&response, &piece);
  fake_answer(url, 404, "");
  fake_answer_header(url, "x-of", "the second");
  fake_expect(socklet_http_next(&response, &piece) ? "more" : NULL, NULL);
  fake_expect(response.why, NULL);
  fake_expect(socklet_http_header(&response, "X-Of").data, "the first");
  socklet_http_close(&response);
  socklet_http_send(&request, &response);
  fake_expect(socklet_http_header(&response, "x-of").data, "the second");
  fake_expect(response.status == 404 && response.header_count == 1 ? "404" : NULL, "404");
  socklet_http_close(&response);
}

static void on_message(void *state, socklet_connection connection, socklet_message message) {
  (void) state;
  socklet_string text = {message.data, message.length};
  if (socklet_string_is(text, "story")) {
    story(connection);
  } else if (socklet_string_is(text, "lines")) {
    lines(connection, 5);
  } else if (socklet_string_is(text, "short lines")) {
    lines(connection, 3);
  } else if (socklet_string_is(text, "whole")) {
    read_whole(connection, "https://a.example/story", 12);
  } else if (socklet_string_is(text, "too long")) {
    read_whole(connection, "https://a.example/story", 11);
  } else {
    socklet_buffer url = {0};
    socklet_append(&url, text.data, text.length);
    read_whole(connection, url.data, 10);
    socklet_free(&url);
  }
}

SOCKLET_EXPORT(.on_message = on_message)

static void check_url(const char *text, const char *expected, int line) {
  http_url url;
  socklet_buffer parts = {0};
  if (http_parse_url(socklet_string_of(text), &url)) {
    socklet_appendf(&parts, "%s %.*s %s", url.secure ? "https" : "http",
                    SOCKLET_ARG(url.authority), url.path.data);
  }
  fake_check(parts.data, expected, __FILE__, line);
  socklet_free(&url.path);
  socklet_free(&parts);
}

#define URL(text, expected) check_url(text, expected, __LINE__)

static void urls_are_a_scheme_a_host_and_a_path(void) {
  URL("https://a.example", "https a.example /");
  URL("HTTP://a.example:8080/b?c=d#e", "http a.example:8080 /b?c=d");
  URL("https://[::1]:1?q", "https [::1]:1 /?q");
  URL("https://a#b/c", "https a /");
  URL("", NULL);
  URL("a.example", NULL);
  URL("//a", NULL);
  URL("ws://a", NULL);
  URL("https://", NULL);
  URL("https:///b", NULL);
  URL("https://a/ b", NULL);
  URL("https://\xc3\xa9.example/", NULL);
}

int main(void) {
  urls_are_a_scheme_a_host_and_a_path();

  socklet_connection peer = fake_connect("/");
  fake_answer("https://a.example/story", 201, "Once upon");
  fake_answer_more("https://a.example/story", "…");
  fake_text(peer, "story");
  fake_expect(fake_asked(), "GET https://a.example/story\naccept: text/plain");
  fake_expect(fake_written(peer), "Once upon");
  fake_expect(fake_written(peer), "…");
  fake_expect(fake_written(peer), "201");

  fake_text(peer, "whole");
  fake_expect(fake_asked(), "POST https://a.example/story\n\nwhat?");
  fake_expect(fake_written(peer), "Once upon…");
  fake_text(peer, "too long");
  fake_expect(fake_written(peer), "an answer with more than 11 bytes is too large");

  fake_answer("https://a.example/lines", 200, "on");
  const char *pieces[] = {"e\ntw", "o\r", "\n", "\n", "three"};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    fake_answer_more("https://a.example/lines", pieces[i]);
  }
  fake_text(peer, "lines");
  const char *lines[] = {"[one]", "[two]", "[]", "[three]", NULL};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    fake_expect(fake_written(peer), lines[i]);
  }
  fake_text(peer, "short lines");
  const char *short_lines[] = {"[one]", "[two]", "[]",
                               "a line with more than 3 bytes is too large", NULL};
  for (size_t i = 0; i < sizeof short_lines / sizeof *short_lines; i++) {
    fake_expect(fake_written(peer), short_lines[i]);
  }
  left_early();
  closed_it_has_nothing();
  no_length_is_promised_of_no_body();
  the_length_is_sent_where_a_body_is_expected();

  fake_text(peer, "https://b.example/");
  fake_expect(fake_written(peer), "the host is not among allowed-hosts");
  fake_text(peer, "gopher://b.example/");
  fake_expect(fake_written(peer), "\"gopher://b.example/\" is not a URL of http or https");

  fake_answer("https://b.example/", 200, "half");
  fake_break_off("https://b.example/", SOCKLET_HTTP_CONNECTION);
  fake_text(peer, "https://b.example/");
  fake_expect(fake_written(peer), "no connection: as the test says");
  fake_fail("https://b.example/", SOCKLET_HTTP_TIMEOUT);
  fake_text(peer, "https://b.example/");
  fake_expect(fake_written(peer), "the other end took too long");
  fake_answer("https://b.example/", 200, "whole");
  fake_text(peer, "https://b.example/");
  fake_expect(fake_written(peer), "whole");
  told_anew_while_it_comes();
  fake_close(peer, 1000, "");
  return fake_outcome();
}
