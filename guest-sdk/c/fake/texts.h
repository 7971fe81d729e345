// Texts, first in, first out: what the fake host has written down.
#ifndef SOCKLET_FAKE_TEXTS
#define SOCKLET_FAKE_TEXTS

#include <stddef.h>

typedef struct queue {
  char *texts[256];
  size_t first, count;
} queue;

// Ends the test: what it does can't be meant.
__attribute__((__noreturn__)) void fake_die(const char *why);

// Puts a copy at the end.
void fake_put(queue *queue, const void *data, size_t length);

// The first one, which stays until the next call; NULL where there is none.
const char *fake_take(queue *queue);

#endif
