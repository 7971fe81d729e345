// The imports of the bindings, natively: they write down what the handler does.
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>

#include "../bindings/socklet_raw.h"
#include "texts.h"

typedef struct peer {
  queue written;
  uint16_t closed;
  bool gone;
} peer;

enum { MAX_PEERS = 64, MAX_FIELDS = 32 };

static peer peers[MAX_PEERS];
static socklet_connection peer_count;
static queue lines;
static struct {
  const char *name, *value;
} fields[MAX_FIELDS];
static size_t field_count;
static int failures;

void fake_die(const char *why) {
  fprintf(stderr, "fake host: %s\n", why);
  exit(2);
}

void fake_put(queue *queue, const void *data, size_t length) {
  if (queue->count == sizeof queue->texts / sizeof *queue->texts) {
    fake_die("more was done than it has room for: take it with fake_written, fake_logged or "
             "fake_asked");
  }
  socklet_buffer copy = {0};
  socklet_append(&copy, data, length);
  queue->texts[(queue->first + queue->count++) % 256] = copy.data;
}

const char *fake_take(queue *queue) {
  static char *taken;
  free(taken);
  taken = NULL;
  if (queue->count > 0) {
    taken = queue->texts[queue->first];
    queue->first = (queue->first + 1) % 256;
    queue->count--;
  }
  return taken;
}

// Ids begin with 1.
static peer *peer_of(uint64_t connection) {
  return connection == 0 || connection > peer_count ? NULL : &peers[connection - 1];
}

static peer *known(socklet_connection connection) {
  peer *peer = peer_of(connection);
  if (peer == NULL || peer->gone) {
    fake_die("there is no such connection, or it has been closed");
  }
  return peer;
}

// The imports, by the names that the bindings give them.

int32_t __wasm_import_socklet_websocket_connection_write(int64_t to, int32_t kind, uint8_t *data,
                                                         size_t length) {
  (void) kind;
  peer *peer = peer_of((uint64_t) to);
  if (peer == NULL || peer->gone || peer->closed != 0) {
    return SOCKLET_CLOSED;
  }
  if (length > 1 << 20) {
    return SOCKLET_TOO_LARGE;
  }
  fake_put(&peer->written, data, length);
  return SOCKLET_QUEUED;
}

int32_t __wasm_import_socklet_websocket_connection_close(int64_t connection, int32_t code,
                                                         uint8_t *reason, size_t length) {
  (void) reason;
  peer *peer = peer_of((uint64_t) connection);
  if (peer == NULL || peer->gone || peer->closed != 0) {
    return SOCKLET_CLOSE_LATE;
  }
  bool allowed = (code >= 1000 && code <= 1014 && code != 1002 && !(code >= 1004 && code <= 1006)) ||
                 (code >= 3000 && code <= 4999);
  if (!allowed || length > 123) {
    return SOCKLET_CLOSE_INVALID;
  }
  peer->closed = (uint16_t) code;
  return SOCKLET_CLOSE_BEGUN;
}

int64_t __wasm_import_socklet_websocket_connection_buffered_amount(int64_t connection) {
  (void) connection;
  return 0;
}

void __wasm_import_socklet_websocket_log_log(int32_t level, uint8_t *data, size_t length) {
  (void) level;
  fake_put(&lines, data, length);
}

// An empty list, and twice none.
void __wasm_import_socklet_websocket_opening_params(int64_t connection, uint8_t *result) {
  (void) connection;
  memset(result, 0, 2 * sizeof(void *));
}

void __wasm_import_socklet_websocket_opening_claims(int64_t connection, uint8_t *result) {
  (void) connection;
  *result = 0;
}

void __wasm_import_socklet_websocket_opening_attachment(int64_t connection, uint8_t *result) {
  (void) connection;
  *result = 0;
}

int32_t __wasm_import_socklet_websocket_topics_subscribe(int64_t connection, uint8_t *topic,
                                                         size_t length) {
  (void) connection, (void) topic, (void) length;
  return SOCKLET_WEBSOCKET_TOPICS_SUBSCRIBE_OUTCOME_SUBSCRIBED;
}

int32_t __wasm_import_socklet_websocket_topics_unsubscribe(int64_t connection, uint8_t *topic,
                                                           size_t length) {
  (void) connection, (void) topic, (void) length;
  return SOCKLET_WEBSOCKET_TOPICS_UNSUBSCRIBE_OUTCOME_NOT_SUBSCRIBED;
}

int32_t __wasm_import_socklet_websocket_topics_publish(uint8_t *topic, size_t length, int32_t kind,
                                                       uint8_t *data, size_t size, int32_t some,
                                                       int64_t except) {
  (void) topic, (void) length, (void) kind, (void) data, (void) size, (void) some, (void) except;
  return SOCKLET_WEBSOCKET_TOPICS_PUBLISH_OUTCOME_PUBLISHED;
}

int64_t __wasm_import_socklet_websocket_topics_subscriber_count(uint8_t *topic, size_t length) {
  (void) topic, (void) length;
  return 0;
}

void __wasm_import_socklet_websocket_timers_set(int64_t after, int32_t repeats, int64_t every,
                                                uint8_t *result) {
  (void) after, (void) repeats, (void) every;
  *result = SOCKLET_WEBSOCKET_TIMERS_SET_OUTCOME_UNAVAILABLE;
}

int32_t __wasm_import_socklet_websocket_timers_cancel(int64_t timer) {
  (void) timer;
  return SOCKLET_WEBSOCKET_TIMERS_CANCEL_OUTCOME_NOT_SET;
}

// What a handler need not export.
__attribute__((__weak__)) const socklet_gate socklet_exported_gate;
__attribute__((__weak__)) const socklet_alarm socklet_exported_alarm;

// The events. The SDK frees what it is given, so all of it is allocated.

static socklet_raw_string_t copy_of(const char *text) {
  socklet_raw_string_t copy;
  socklet_raw_string_dup(&copy, text);
  return copy;
}

void fake_header(const char *name, const char *value) {
  if (field_count == MAX_FIELDS) {
    fake_die("too many header fields");
  }
  fields[field_count].name = name;
  fields[field_count++].value = value;
}

socklet_connection fake_connect(const char *target) {
  if (peer_count == MAX_PEERS) {
    fake_die("too many connections");
  }
  const char *query = strchr(target, '?');
  socklet_websocket_types_request_t request = {.path = copy_of(target)};
  if (query != NULL) {
    request.path.len = (size_t) (query - target);
    request.query = (socklet_raw_option_string_t){true, copy_of(query + 1)};
  }
  request.remote_address = copy_of("127.0.0.1:50000");
  request.headers.len = field_count;
  request.headers.ptr = calloc(field_count + 1, sizeof *request.headers.ptr);
  for (size_t i = 0; i < field_count; i++) {
    request.headers.ptr[i].f0 = copy_of(fields[i].name);
    socklet_raw_string_t value = copy_of(fields[i].value);
    request.headers.ptr[i].f1 = (socklet_raw_list_u8_t){value.ptr, value.len};
  }
  if (field_count == 0) {
    free(request.headers.ptr);
  }
  field_count = 0;
  socklet_connection connection = ++peer_count;
  exports_socklet_websocket_handler_on_ready(connection, &request);
  return connection;
}

void fake_text(socklet_connection connection, const char *text) {
  known(connection);
  socklet_websocket_types_message_t message = {.tag = SOCKLET_WEBSOCKET_TYPES_MESSAGE_TEXT};
  message.val.text = copy_of(text);
  exports_socklet_websocket_handler_on_message(connection, &message);
}

void fake_binary(socklet_connection connection, const void *data, size_t length) {
  known(connection);
  socklet_raw_string_t copy;
  socklet_raw_string_dup_n(&copy, data, length);
  socklet_websocket_types_message_t message = {.tag = SOCKLET_WEBSOCKET_TYPES_MESSAGE_BINARY};
  message.val.binary = (socklet_raw_list_u8_t){copy.ptr, copy.len};
  exports_socklet_websocket_handler_on_message(connection, &message);
}

void fake_close(socklet_connection connection, uint16_t code, const char *reason) {
  known(connection)->gone = true;
  socklet_websocket_types_close_event_t event = {
      .origin = SOCKLET_WEBSOCKET_TYPES_CLOSE_ORIGIN_PEER,
      .code = code,
      .reason = copy_of(reason),
      .detail = copy_of(""),
  };
  exports_socklet_websocket_handler_on_close(connection, &event);
}

const char *fake_written(socklet_connection connection) {
  peer *peer = peer_of(connection);
  return peer == NULL ? NULL : fake_take(&peer->written);
}

uint16_t fake_closed(socklet_connection connection) {
  peer *peer = peer_of(connection);
  return peer == NULL ? 0 : peer->closed;
}

const char *fake_logged(void) {
  return fake_take(&lines);
}

void fake_check(const char *text, const char *expected, const char *file, int line) {
  bool same = text == NULL || expected == NULL ? text == expected : strcmp(text, expected) == 0;
  if (!same) {
    fprintf(stderr, "%s:%d: %s%s%s, expected %s%s%s\n", file, line, text ? "\"" : "",
            text ? text : "nothing", text ? "\"" : "", expected ? "\"" : "",
            expected ? expected : "nothing", expected ? "\"" : "");
    failures++;
  }
}

int fake_outcome(void) {
  if (failures == 0) {
    puts("all as expected");
  }
  return failures == 0 ? 0 : 1;
}
