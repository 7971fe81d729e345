// The program that every SDK has: docs/conformance.md.
#include "commands.h"

static void *on_ready(socklet_connection connection, const socklet_request *request) {
  state *state = state_new();
  state->request = socklet_copy_request(request);
  socklet_writef(connection, "ready %.*s", SOCKLET_ARG(request->path));
  return state;
}

static void on_message(void *data, socklet_connection connection, socklet_message message) {
  state *state = data;
  state->messages++;
  if (message.kind == SOCKLET_BINARY || message.length == 0 || message.data[0] != '/') {
    socklet_write(connection, message);
    return;
  }
  socklet_buffer line = {0};
  socklet_append(&line, message.data + 1, message.length - 1);
  run_command(state, connection, line.data);
  socklet_free(&line);
}

static void on_close(void *state, socklet_connection connection,
                     const socklet_close_event *event) {
  static const char *const origins[] = {"peer", "handler", "host", "network"};
  (void) connection;
  socklet_info("closed origin=%s code=%u detail=%.*s reason=%.*s", origins[event->origin],
               event->code, SOCKLET_ARG(event->detail), SOCKLET_ARG(event->reason));
  state_free(state);
}

static void on_alarm(void *data, socklet_connection connection, socklet_timer timer) {
  state *state = data;
  const char *text = state == NULL ? NULL : state_text_of(state, timer);
  if (text != NULL) {
    socklet_writef(connection, "alarm %s", text);
    state_forget(state, timer, false);
  }
}

// Attaches the status of the answer.
static void ask(const char *url, socklet_answer *answer) {
  socklet_http_request request = {.url = url};
  socklet_http_response response;
  socklet_buffer status = {0};
  if (socklet_http_send(&request, &response)) {
    socklet_appendf(&status, "%u", response.status);
  } else {
    socklet_append_text(&status, "error");
  }
  socklet_http_close(&response);
  socklet_attach(answer, status.data, status.length);
  socklet_free(&status);
}

static void on_request(socklet_connection connection, const socklet_request *request,
                       socklet_answer *answer) {
  (void) connection;
  socklet_buffer value = {0};
  if (socklet_query(request, "refuse", &value)) {
    uint16_t status = 0;
    for (const char *digit = socklet_contents(&value).data; *digit != '\0'; digit++) {
      status = (uint16_t) (status * 10 + (*digit - '0'));
    }
    socklet_reject(answer, status, "refused");
    socklet_answer_header(answer, "x-conformance", "refused");
    socklet_free(&value);
    return;
  }
  socklet_answer_header(answer, "x-conformance", "accepted");
  if (socklet_query(request, "ask", &value)) {
    ask(socklet_contents(&value).data, answer);
  } else if (socklet_query(request, "attach", &value)) {
    socklet_attach(answer, value.data, value.length);
  }
  socklet_free(&value);
  if (socklet_query(request, "agree", &value)) {
    socklet_agree(answer, socklet_contents(&value));
  }
  socklet_free(&value);
}

SOCKLET_EXPORT(.on_ready = on_ready, .on_message = on_message, .on_close = on_close)
SOCKLET_EXPORT_ALARM(on_alarm)
SOCKLET_EXPORT_GATE(on_request)
