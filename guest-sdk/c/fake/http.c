// The servers of the fake host: they answer requests as a test says.
#include <stdlib.h>

#include "../src/http_host.h"
#include "fake.h"
#include "texts.h"

enum { MAX_ANSWERS = 32, MAX_PIECES = 32 };

typedef struct answer {
  const char *url;
  uint16_t status;
  const char *pieces[MAX_PIECES];
  size_t piece_count;
} answer;

// A body that is being read.
typedef struct body {
  const answer *from;
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

void fake_answer(const char *url, uint16_t status, const char *piece) {
  answer *answer = answer_to(url);
  if (answer == NULL) {
    if (answer_count == MAX_ANSWERS) {
      fake_die("too many URLs are answered");
    }
    answer = &answers[answer_count++];
  }
  answer->url = url;
  answer->status = status;
  answer->piece_count = 0;
  fake_answer_more(url, piece);
}

void fake_answer_more(const char *url, const char *piece) {
  answer *answer = answer_to(url);
  if (answer == NULL) {
    fake_die("begin an answer with fake_answer");
  }
  if (answer->piece_count == MAX_PIECES) {
    fake_die("an answer has too many pieces");
  }
  // A piece is never empty.
  if (*piece != '\0') {
    answer->pieces[answer->piece_count++] = piece;
  }
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

// What the client asks of its host.

void http_host_send(const socklet_http_request *request, const http_url *url,
                    socklet_http_response *response) {
  (void) url;
  note(request);
  const answer *answer = answer_to(request->url);
  if (answer == NULL) {
    http_fail(response, SOCKLET_HTTP_DENIED, (socklet_string){0});
    return;
  }
  body *coming = calloc(1, sizeof *coming);
  if (coming == NULL) {
    fake_die("no memory");
  }
  coming->from = answer;
  response->status = answer->status;
  response->exchange->body = coming;
}

bool http_host_read(socklet_http_response *response, char **piece, size_t *length) {
  body *coming = response->exchange->body;
  if (coming->next == coming->from->piece_count) {
    http_host_end(response);
    return false;
  }
  socklet_buffer copy = {0};
  socklet_append_text(&copy, coming->from->pieces[coming->next++]);
  *piece = copy.data;
  *length = copy.length;
  return true;
}

void http_host_end(socklet_http_response *response) {
  free(response->exchange->body);
  response->exchange->body = NULL;
}

void http_host_free_headers(socklet_http_response *response) {
  (void) response;
}
