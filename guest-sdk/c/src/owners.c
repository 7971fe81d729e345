// Which connection's is which timer: a list, since an instance has few.
#include "owners.h"

static socklet_buffer list;

size_t owners_count(void) {
  return list.length / sizeof(owned);
}

owned owners_at(size_t place) {
  owned entry;
  memcpy(&entry, list.data + place * sizeof entry, sizeof entry);
  return entry;
}

void owners_add(owned entry) {
  socklet_append(&list, &entry, sizeof entry);
}

static void remove_at(size_t place) {
  // The order is nobody's business: the last one takes the place.
  owned last = owners_at(owners_count() - 1);
  memcpy(list.data + place * sizeof last, &last, sizeof last);
  list.length -= sizeof last;
}

static size_t place_of(uint64_t timer) {
  size_t place = 0;
  while (place < owners_count() && owners_at(place).timer != timer) {
    place++;
  }
  return place;
}

socklet_connection owners_take(uint64_t timer) {
  size_t place = place_of(timer);
  if (place == owners_count()) {
    return SOCKLET_NOBODY;
  }
  owned entry = owners_at(place);
  if (!entry.repeats) {
    remove_at(place);
  }
  return entry.owner;
}

void owners_forget(uint64_t timer) {
  size_t place = place_of(timer);
  if (place < owners_count()) {
    remove_at(place);
  }
}
