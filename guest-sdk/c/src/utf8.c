// Text that came from a peer, a query or a header, may be no UTF-8, and what the host is given
// as text has to be: it ends an instance that gives it anything else.
#include <string.h>

#include "raw.h"

// The bytes of the character that begins here; 0 where none does (Unicode, table 3-7).
static size_t character(const unsigned char *at, size_t left) {
  unsigned char first = at[0];
  if (first < 0x80) {
    return 1;
  }
  size_t length = first >= 0xC2 && first <= 0xDF ? 2
                  : first >= 0xE0 && first <= 0xEF ? 3
                  : first >= 0xF0 && first <= 0xF4 ? 4
                                                   : 0;
  if (length == 0 || length > left) {
    return 0;
  }
  unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (at[1] < least || at[1] > most) {
    return 0;
  }
  for (size_t i = 2; i < length; i++) {
    if ((at[i] & 0xC0) != 0x80) {
      return 0;
    }
  }
  return length;
}

socklet_string socklet_well_formed(socklet_string text, socklet_buffer *room) {
  const unsigned char *bytes = (const unsigned char *) text.data;
  size_t begin = 0;
  bool sound = true;
  for (size_t at = 0; at < text.length;) {
    // Eight at a time where they are ASCII, as most are.
    uint64_t eight;
    if (text.length - at >= sizeof eight) {
      memcpy(&eight, bytes + at, sizeof eight);
      if ((eight & UINT64_C(0x8080808080808080)) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    size_t length = character(bytes + at, text.length - at);
    if (length > 0) {
      at += length;
      continue;
    }
    sound = false;
    socklet_append(room, text.data + begin, at - begin);
    socklet_append(room, "\xEF\xBF\xBD", 3);
    begin = ++at;
  }
  if (sound) {
    return text;
  }
  socklet_append(room, text.data + begin, text.length - begin);
  return socklet_contents(room);
}

socklet_message socklet_well_formed_message(socklet_message message, socklet_buffer *room) {
  if (message.kind != SOCKLET_TEXT) {
    return message;
  }
  socklet_string text = {message.data, message.length};
  return socklet_text(socklet_well_formed(text, room));
}
