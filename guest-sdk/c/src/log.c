// Lines for the host's log.
#include "../socklet/log.h"

#include "raw.h"

void socklet_log(socklet_level level, socklet_string line) {
  socklet_buffer room = {0};
  socklet_raw_string_t raw = raw_string(socklet_well_formed(line, &room));
  socklet_websocket_log_log((socklet_websocket_log_level_t) level, &raw);
  socklet_free(&room);
}

static void logv(socklet_level level, const char *format, va_list arguments) {
  socklet_buffer line = {0};
  socklet_vappendf(&line, format, arguments);
  socklet_log(level, socklet_contents(&line));
  socklet_free(&line);
}

void socklet_logf(socklet_level level, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  logv(level, format, arguments);
  va_end(arguments);
}

void socklet_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  logv(SOCKLET_ERROR, format, arguments);
  va_end(arguments);
  __builtin_trap();
}
