// The connections of this instance, with their states: in the order of their ids.
#include "members.h"

#include <stdlib.h>

#include "../socklet/log.h"

typedef struct member {
  socklet_connection connection;
  void *state;
} member;

// Most instances have one connection, for which nothing is allocated.
static member only[1];
static member *members = only;
static size_t count, capacity = 1;

// The place of the first whose id is not smaller.
static size_t place_of(socklet_connection connection) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (members[middle].connection < connection) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static bool is_at(size_t place, socklet_connection connection) {
  return place < count && members[place].connection == connection;
}

static void grow(void) {
  member *larger = malloc(2 * capacity * sizeof *larger);
  if (larger == NULL) {
    abort();
  }
  memcpy(larger, members, count * sizeof *larger);
  if (members != only) {
    free(members);
  }
  members = larger;
  capacity *= 2;
}

void members_add(socklet_connection connection, void *state) {
  if (count == capacity) {
    grow();
  }
  size_t place = place_of(connection);
  memmove(members + place + 1, members + place, (count - place) * sizeof *members);
  members[place] = (member){connection, state};
  count++;
}

void *members_remove(socklet_connection connection) {
  size_t place = place_of(connection);
  if (!is_at(place, connection)) {
    return NULL;
  }
  void *state = members[place].state;
  count--;
  memmove(members + place, members + place + 1, (count - place) * sizeof *members);
  return state;
}

size_t socklet_member_count(void) {
  return count;
}

socklet_connection socklet_member(size_t place) {
  return place < count ? members[place].connection : SOCKLET_NOBODY;
}

void *socklet_state(socklet_connection connection) {
  size_t place = place_of(connection);
  return is_at(place, connection) ? members[place].state : NULL;
}

void socklet_broadcast(socklet_message message, socklet_connection except) {
  for (size_t i = 0; i < count; i++) {
    socklet_connection connection = members[i].connection;
    if (connection == except) {
      continue;
    }
    socklet_write_outcome outcome = socklet_try_write(connection, message);
    // The bound is the same for all of them, and none of them is to blame.
    if (outcome == SOCKLET_TOO_LARGE) {
      socklet_error("a broadcast reaches nobody: a message was over max-message-size: split it");
      return;
    }
    if (outcome == SOCKLET_FULL) {
      socklet_warn("connection %llu is closed with 1013: its queue is at max-backpressure",
                   (unsigned long long) connection);
      socklet_close(connection, 1013, "max-backpressure");
    }
  }
}
