// The servers of the fake host: they answer requests as a test says.
#include <stdlib.h>

#include "../src/http_host.h"
#include "fake.h"
#include "texts.h"

enum { MAX_ANSWERS = 32, MAX_FIELDS = 32, MAX_PIECES = 32 };

typedef struct answer {
  const char *url;
  // 0 where there is none but the error.
  uint16_t status;
  socklet_header_field fields[MAX_FIELDS];
  size_t field_count;
  const char *pieces[MAX_PIECES];
  size_t piece_count;
  // What it ends with.
  socklet_http_error error;
} answer;

// A body that is being read: of the answer as it was when it was sent.
typedef struct body {
  answer from;
  size_t next;
} body;

static answer answers[MAX_ANSWERS];
static size_t answer_count;
static queue asked;

static answer *answer_to(const char *url) {
  for (size_t i = 0; i < answer_count; i++) {
    if (strcmp(answers[i].url, url) == 0) {
      return &answers[i];
    }
  }
  return NULL;
}

static answer *begun(const char *url) {
  answer *answer = answer_to(url);
  if (answer == NULL || answer->status == 0) {
    fake_die("begin an answer with fake_answer");
  }
  return answer;
}

static answer *begin(const char *url) {
  answer *answer = answer_to(url);
  if (answer == NULL) {
    if (answer_count == MAX_ANSWERS) {
      fake_die("too many URLs are answered");
    }
    answer = &answers[answer_count++];
  }
  *answer = (struct answer){.url = url};
  return answer;
}

void fake_answer(const char *url, uint16_t status, const char *piece) {
  begin(url)->status = status;
  fake_answer_more(url, piece);
}

void fake_answer_header(const char *url, const char *name, const char *value) {
  answer *answer = begun(url);
  if (answer->field_count == MAX_FIELDS) {
    fake_die("an answer has too many header fields");
  }
  answer->fields[answer->field_count++] = socklet_field(name, value);
}

void fake_answer_more(const char *url, const char *piece) {
  answer *answer = begun(url);
  if (answer->piece_count == MAX_PIECES) {
    fake_die("an answer has too many pieces");
  }
  // A piece is never empty.
  if (*piece != '\0') {
    answer->pieces[answer->piece_count++] = piece;
  }
}

void fake_break_off(const char *url, socklet_http_error error) {
  begun(url)->error = error;
}

void fake_fail(const char *url, socklet_http_error error) {
  if (error == SOCKLET_HTTP_OK) {
    fake_die("a request fails with an error, which SOCKLET_HTTP_OK is not");
  }
  begin(url)->error = error;
}

const char *fake_asked(void) {
  return fake_take(&asked);
}

static void note(const socklet_http_request *request) {
  socklet_buffer text = {0};
  socklet_appendf(&text, "%s %s", request->method == NULL ? "GET" : request->method, request->url);
  for (size_t i = 0; i < request->header_count; i++) {
    const socklet_header_field *field = &request->headers[i];
    socklet_appendf(&text, "\n%.*s: %.*s", SOCKLET_ARG(field->name), SOCKLET_ARG(field->value));
  }
  if (request->body.length > 0) {
    socklet_appendf(&text, "\n\n%.*s", SOCKLET_ARG(request->body));
  }
  fake_put(&asked, text.data, text.length);
  socklet_free(&text);
}

static void fail(socklet_http_response *response, socklet_http_error error) {
  bool large = error == SOCKLET_HTTP_TOO_LARGE;
  http_fail(response, error, socklet_string_of(large ? "the answer" : "as the test says"));
}

// What the client asks of its host.

void http_host_send(const socklet_http_request *request, const http_url *url,
                    socklet_http_response *response) {
  (void) url;
  note(request);
  const answer *answer = answer_to(request->url);
  if (answer == NULL) {
    fail(response, SOCKLET_HTTP_DENIED);
    return;
  }
  if (answer->status == 0) {
    fail(response, answer->error);
    return;
  }
  body *coming = calloc(1, sizeof *coming);
  socklet_header_field *fields = calloc(MAX_FIELDS, sizeof *fields);
  if (coming == NULL || fields == NULL) {
    fake_die("no memory");
  }
  coming->from = *answer;
  memcpy(fields, answer->fields, sizeof answer->fields);
  response->status = answer->status;
  response->headers = fields;
  response->header_count = answer->field_count;
  response->exchange->body = coming;
}

bool http_host_read(socklet_http_response *response, char **piece, size_t *length) {
  body *coming = response->exchange->body;
  if (coming->next >= coming->from.piece_count) {
    if (coming->from.error == SOCKLET_HTTP_OK) {
      http_host_end(response);
    } else {
      fail(response, coming->from.error);
    }
    return false;
  }
  socklet_buffer copy = {0};
  socklet_append_text(&copy, coming->from.pieces[coming->next++]);
  *piece = copy.data;
  *length = copy.length;
  return true;
}

void http_host_end(socklet_http_response *response) {
  free(response->exchange->body);
  response->exchange->body = NULL;
}

void http_host_free_headers(socklet_http_response *response) {
  free((void *) response->headers);
}
