// Buffers.
#include "../socklet/core.h"

#include <stdlib.h>

// More than what most texts need, so that most are allocated once.
enum { SMALLEST = 64 };

// One byte more than `length` for the NUL that follows.
static void reserve(socklet_buffer *buffer, size_t more) {
  if (more > SIZE_MAX - buffer->length - 1) {
    abort();
  }
  size_t needed = buffer->length + more + 1;
  if (needed <= buffer->capacity) {
    return;
  }
  size_t capacity = buffer->capacity < SMALLEST ? SMALLEST : buffer->capacity;
  while (capacity < needed) {
    capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
  }
  char *data = realloc(buffer->data, capacity);
  if (data == NULL) {
    abort();
  }
  buffer->data = data;
  buffer->capacity = capacity;
}

void socklet_append(socklet_buffer *buffer, const void *data, size_t length) {
  reserve(buffer, length);
  // memcpy may not be given NULL, not even for nothing.
  if (length > 0) {
    memcpy(buffer->data + buffer->length, data, length);
  }
  buffer->length += length;
  buffer->data[buffer->length] = '\0';
}

void socklet_append_text(socklet_buffer *buffer, const char *text) {
  socklet_append(buffer, text, strlen(text));
}

void socklet_free(socklet_buffer *buffer) {
  free(buffer->data);
  *buffer = (socklet_buffer){0};
}
