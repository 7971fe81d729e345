// What a text message that begins with `/` does: docs/conformance.md.
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>

// What a command works on.
typedef struct call {
  state *state;
  socklet_connection connection;
  // What is left of the line.
  char *rest;
} call;

static const char *const WRITE_OUTCOMES[] = {"queued", "full", "closed", "too-large"};
static const char *const CLOSE_OUTCOMES[] = {"closing", "closed", "invalid"};
static const char *const PUBLISH_OUTCOMES[] = {"published", "closed", "too-large",  "invalid",
                                               "denied",    "full",   "unavailable"};
static const char *const TIMER_OUTCOMES[] = {"set", "full", "out-of-range", "unavailable"};

// The next word; empty where there is none.
static char *word(call *call) {
  char *start = call->rest, *end = strchr(start, ' ');
  if (end == NULL) {
    call->rest = start + strlen(start);
  } else {
    *end = '\0';
    call->rest = end + 1;
  }
  return start;
}

static uint64_t number(call *call) {
  return strtoull(word(call), NULL, 10);
}

static void answer(const call *call, const char *text) {
  socklet_write_text(call->connection, text);
}

static void answer_or_none(const call *call, socklet_string text) {
  socklet_write(call->connection, socklet_text(text.data == NULL ? socklet_string_of("none") : text));
}

// Of what was appended to `buffer`, which is freed.
static void answer_found(const call *call, bool found, socklet_buffer *buffer) {
  answer_or_none(call, found ? socklet_contents(buffer) : (socklet_string){0});
  socklet_free(buffer);
}

static const socklet_request *request_of(const call *call) {
  static const socklet_request none;
  return call->state->request == NULL ? &none : call->state->request;
}

static void path(call *call) {
  answer_or_none(call, request_of(call)->path);
}

static void query(call *call) {
  answer_or_none(call, request_of(call)->query);
}

static void header(call *call) {
  socklet_buffer values = {0};
  size_t at = 0, found = 0;
  socklet_string value;
  while ((value = socklet_next_header(request_of(call), call->rest, &at)).data != NULL) {
    socklet_append_text(&values, found++ == 0 ? "" : "|");
    socklet_append(&values, value.data, value.length);
  }
  answer_found(call, found > 0, &values);
}

static void cookie(call *call) {
  answer_or_none(call, socklet_cookie(request_of(call), call->rest));
}

static void parameter(call *call) {
  socklet_buffer value = {0};
  answer_found(call, socklet_query(request_of(call), call->rest, &value), &value);
}

static void address(call *call) {
  answer_or_none(call, request_of(call)->remote_address);
}

static void subprotocol(call *call) {
  answer_or_none(call, request_of(call)->subprotocol);
}

static void capture(call *call) {
  socklet_buffer value = {0};
  answer_found(call, socklet_param(call->connection, call->rest, &value), &value);
}

static void claims(call *call) {
  socklet_buffer claims = {0};
  answer_found(call, socklet_claims(call->connection, &claims), &claims);
}

static void attachment(call *call) {
  socklet_buffer attachment = {0};
  answer_found(call, socklet_attachment(call->connection, &attachment), &attachment);
}

static void id(call *call) {
  socklet_writef(call->connection, "%llu", (unsigned long long) call->connection);
}

static void count(call *call) {
  socklet_writef(call->connection, "%llu", (unsigned long long) call->state->messages);
}

static void write_many(call *call) {
  uint64_t count = number(call);
  size_t size = number(call);
  char *data = malloc(size == 0 ? 1 : size);
  if (data == NULL) {
    socklet_fail("no memory for a message of %zu bytes", size);
  }
  for (uint64_t i = 0; i < count; i++) {
    memset(data, (int) (i % 256), size);
    socklet_write_bytes(call->connection, data, size);
  }
  free(data);
  answer(call, "written");
}

static void buffered(call *call) {
  static const char zeros[1000];
  unsigned long long before = socklet_buffered_amount(call->connection);
  socklet_write_bytes(call->connection, zeros, sizeof zeros);
  unsigned long long after = socklet_buffered_amount(call->connection);
  socklet_writef(call->connection, "buffered %llu %llu", before, after);
}

static void too_large(call *call) {
  size_t size = (1 << 20) + 1;
  char *data = calloc(size, 1);
  if (data == NULL) {
    socklet_fail("no memory for a message of %zu bytes", size);
  }
  answer(call, WRITE_OUTCOMES[socklet_try_write(call->connection, socklet_binary(data, size))]);
  free(data);
}

static void stranger(call *call) {
  socklet_connection nobody = SOCKLET_NOBODY;
  socklet_message message = socklet_text(socklet_string_of("hello?"));
  const char *written = WRITE_OUTCOMES[socklet_try_write(nobody, message)];
  const char *closed = CLOSE_OUTCOMES[socklet_close(nobody, 1000, "")];
  socklet_writef(call->connection, "write %s close %s buffered %llu", written, closed,
                 (unsigned long long) socklet_buffered_amount(nobody));
}

static void close_with(call *call) {
  bool plain = *call->rest == '\0';
  uint16_t code = plain ? 1000 : (uint16_t) number(call);
  socklet_close_outcome outcome = socklet_close(call->connection, code, call->rest);
  if (outcome != SOCKLET_CLOSE_BEGUN) {
    socklet_writef(call->connection, "close %s", CLOSE_OUTCOMES[outcome]);
  }
}

static void after_close(call *call) {
  socklet_close(call->connection, 1000, NULL);
  socklet_message message = socklet_text(socklet_string_of("late"));
  const char *written = WRITE_OUTCOMES[socklet_try_write(call->connection, message)];
  const char *closed = CLOSE_OUTCOMES[socklet_close(call->connection, 1000, NULL)];
  socklet_info("after close write=%s close=%s", written, closed);
}

static void log_at(call *call) {
  static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};
  const char *level = word(call);
  for (int i = 0; i < 5; i++) {
    if (strcmp(level, levels[i]) == 0) {
      socklet_log((socklet_level) i, socklet_string_of(call->rest));
    }
  }
  answer(call, "logged");
}

static void print(call *call) {
  printf("%s\n", call->rest);
  fflush(stdout);
  answer(call, "printed");
}

static void fail(call *call) {
  socklet_fail("%s", call->rest);
}

static void subscribe(call *call) {
  socklet_topic_outcome outcome = socklet_subscribe(call->connection, call->rest);
  answer(call, outcome == SOCKLET_TOPIC_DONE ? "subscribed" : PUBLISH_OUTCOMES[outcome]);
}

static void unsubscribe(call *call) {
  bool was = socklet_unsubscribe(call->connection, call->rest);
  answer(call, was ? "unsubscribed" : "not-subscribed");
}

static void publish_but(call *call, socklet_connection except) {
  const char *topic = word(call);
  socklet_message message = socklet_text(socklet_string_of(call->rest));
  answer(call, PUBLISH_OUTCOMES[socklet_publish(topic, message, except)]);
}

static void publish(call *call) {
  publish_but(call, SOCKLET_NOBODY);
}

static void publish_others(call *call) {
  publish_but(call, call->connection);
}

static void subscribers(call *call) {
  unsigned long long count = socklet_subscriber_count(call->rest);
  socklet_writef(call->connection, "%llu", count);
}

static void after(call *call) {
  uint64_t time = number(call);
  answer(call, TIMER_OUTCOMES[state_remind(call->state, call->connection, false, time, call->rest)]);
}

static void every(call *call) {
  uint64_t time = number(call);
  answer(call, TIMER_OUTCOMES[state_remind(call->state, call->connection, true, time, call->rest)]);
}

static void cancel(call *call) {
  socklet_timer timer = call->state->last_timer;
  answer(call, socklet_cancel_timer(timer) ? "cancelled" : "not-set");
  state_forget(call->state, timer, true);
}

static void refuse_suspend(call *call) {
  call->state->refuses_suspend = true;
  answer(call, "refusing");
}

static void fetch(call *call) {
  socklet_http_request request = {.url = call->rest};
  socklet_http_response response;
  socklet_buffer body = {0};
  socklet_http_send(&request, &response);
  if (socklet_http_read(&response, 1 << 20, &body)) {
    socklet_string text = socklet_contents(&body);
    socklet_writef(call->connection, "%u %.*s", response.status, SOCKLET_ARG(text));
  } else {
    socklet_warn("%s", response.why);
    answer(call, "error");
  }
  socklet_free(&body);
  socklet_http_close(&response);
}

static void stream(call *call) {
  socklet_http_request request = {.url = call->rest};
  socklet_http_response response;
  socklet_string piece;
  socklet_http_send(&request, &response);
  while (socklet_http_next(&response, &piece)) {
    socklet_write(call->connection, socklet_text(piece));
  }
  answer(call, response.error == SOCKLET_HTTP_OK ? "end" : "error");
  socklet_http_close(&response);
}

static void environment(call *call) {
  answer_or_none(call, socklet_string_of(getenv(call->rest)));
}

static const struct {
  const char *name;
  void (*run)(call *call);
} COMMANDS[] = {
    {"path", path},
    {"query", query},
    {"header", header},
    {"cookie", cookie},
    {"parameter", parameter},
    {"address", address},
    {"subprotocol", subprotocol},
    {"capture", capture},
    {"claims", claims},
    {"attachment", attachment},
    {"id", id},
    {"count", count},
    {"write", write_many},
    {"buffered", buffered},
    {"too-large", too_large},
    {"stranger", stranger},
    {"close", close_with},
    {"after-close", after_close},
    {"log", log_at},
    {"print", print},
    {"fail", fail},
    {"subscribe", subscribe},
    {"unsubscribe", unsubscribe},
    {"publish", publish},
    {"publish-others", publish_others},
    {"subscribers", subscribers},
    {"after", after},
    {"every", every},
    {"cancel", cancel},
    {"refuse-suspend", refuse_suspend},
    {"fetch", fetch},
    {"stream", stream},
    {"environment", environment},
};

void run_command(state *state, socklet_connection connection, char *line) {
  call call = {state, connection, line};
  const char *name = word(&call);
  for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
    if (strcmp(name, COMMANDS[i].name) == 0) {
      COMMANDS[i].run(&call);
      return;
    }
  }
  answer(&call, "unknown");
}
