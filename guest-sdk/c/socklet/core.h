// Strings with lengths, and buffers that grow.
#ifndef SOCKLET_CORE_H
#define SOCKLET_CORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

// Has the compiler check a format like printf's.
#define SOCKLET_FORMAT(format, first) __attribute__((__format__(__printf__, format, first)))

// Text or bytes that belong to someone else. Not NUL-terminated, and it may hold NULs.
// `data` is NULL where there is nothing, as for a header field that was not sent, which
// is not the same as an empty one.
typedef struct socklet_string {
  const char *data;
  size_t length;
} socklet_string;

// A NUL-terminated text as a string; NULL as none.
static inline socklet_string socklet_string_of(const char *text) {
  socklet_string string = {text, text == NULL ? 0 : strlen(text)};
  return string;
}

// Whether a string is this NUL-terminated text.
static inline bool socklet_string_is(socklet_string string, const char *text) {
  return string.data != NULL && string.length == strlen(text) &&
         memcmp(string.data, text, string.length) == 0;
}

// A string as the two arguments of "%.*s".
#define SOCKLET_ARG(string) (int) (string).length, (string).data

// Bytes that grow as they are appended to. Begin with `{0}`, and free it in the end.
// `data` is NULL as long as nothing was appended; from then on a NUL follows the bytes,
// which does not count.
typedef struct socklet_buffer {
  char *data;
  size_t length;
  size_t capacity;
} socklet_buffer;

void socklet_append(socklet_buffer *buffer, const void *data, size_t length);

// Appends a NUL-terminated text.
void socklet_append_text(socklet_buffer *buffer, const char *text);

// Appends what printf would print. It knows %s, %c, %d, %i, %u, %x, %X, %p and %%, with
// their flags, widths, precisions and lengths. It doesn't know floating point: print such
// a number with snprintf and append the text. That links the standard library's stdio,
// 40 KB with imports of WASI, which is why this is not it.
SOCKLET_FORMAT(2, 3) void socklet_appendf(socklet_buffer *buffer, const char *format, ...);

// The same, with the arguments as a list.
SOCKLET_FORMAT(2, 0)
void socklet_vappendf(socklet_buffer *buffer, const char *format, va_list arguments);

// What is in the buffer, until it is appended to or freed. Empty, not none, where nothing
// was appended.
static inline socklet_string socklet_contents(const socklet_buffer *buffer) {
  socklet_string string = {buffer->data == NULL ? "" : buffer->data, buffer->length};
  return string;
}

// Frees what it holds. It is empty then, and may be appended to anew.
void socklet_free(socklet_buffer *buffer);

#ifdef __cplusplus
}
#endif
#endif
