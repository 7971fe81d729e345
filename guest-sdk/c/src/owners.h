// Which connection's is which timer. Nothing here calls the host: a handler that keeps its
// state and sets no timers must not import them.
#ifndef SOCKLET_OWNERS
#define SOCKLET_OWNERS

#include "../socklet/connection.h"

typedef struct owned {
  uint64_t timer;
  socklet_connection owner;
  bool repeats;
} owned;

void owners_add(owned entry);

// Whose timer has gone off, or SOCKLET_NOBODY. Unless it repeats it is forgotten.
socklet_connection owners_take(uint64_t timer);

void owners_forget(uint64_t timer);

size_t owners_count(void);
owned owners_at(size_t place);

#endif
