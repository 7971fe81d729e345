// The host's log, where each line is marked with the handler and its connection.
#ifndef SOCKLET_LOG_H
#define SOCKLET_LOG_H

#include "core.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum socklet_level {
  SOCKLET_TRACE,
  SOCKLET_DEBUG,
  SOCKLET_INFO,
  SOCKLET_WARN,
  SOCKLET_ERROR,
} socklet_level;

// Logs a line. Which levels are kept is set on the host. Over 8 KiB it is cut.
void socklet_log(socklet_level level, socklet_string line);

// Logs what `socklet_appendf` would append.
SOCKLET_FORMAT(2, 3) void socklet_logf(socklet_level level, const char *format, ...);

#define socklet_trace(...) socklet_logf(SOCKLET_TRACE, __VA_ARGS__)
#define socklet_debug(...) socklet_logf(SOCKLET_DEBUG, __VA_ARGS__)
#define socklet_info(...) socklet_logf(SOCKLET_INFO, __VA_ARGS__)
#define socklet_warn(...) socklet_logf(SOCKLET_WARN, __VA_ARGS__)
#define socklet_error(...) socklet_logf(SOCKLET_ERROR, __VA_ARGS__)

// Logs at level error and ends the instance: its connections are closed with 1011, and
// nothing of it is called again. For what must never happen; a peer that errs is better
// closed by itself.
SOCKLET_FORMAT(1, 2) __attribute__((__noreturn__)) void socklet_fail(const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
