// What a peer may be called.

#include <wchar.h>
#include <wctype.h>

#include "chat.h"
#include "socklet.h"

// Reads a character of UTF-8, and has `text` point behind it. A byte that begins none is WEOF.
static wint_t read_character(const char **text) {
  static const wint_t least[] = {0, 0x80, 0x800, 0x10000};
  const unsigned char *bytes = (const unsigned char *) (*text)++;
  wint_t first = bytes[0];
  if (first < 0x80) {
    return first;
  }
  if (first < 0xC2 || first > 0xF4) {
    return WEOF;
  }
  int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  wint_t character = first & (0x3Fu >> more);
  for (int i = 1; i <= more; i++) {
    if ((bytes[i] & 0xC0) != 0x80) {
      return WEOF;
    }
    character = character << 6 | (bytes[i] & 0x3F);
  }
  *text += more;
  return character < least[more] ? WEOF : character;
}

char *name_of(const char *asked) {
  socklet_buffer name = {0};
  for (int length = 0; *asked != '\0' && length < LONGEST_NAME;) {
    const char *begin = asked;
    wint_t character = read_character(&asked);
    bool fits = iswalnum(character) || wcschr(L" -_.'", (wchar_t) character) != NULL;
    if (fits && (character != ' ' || length > 0)) {
      socklet_append(&name, begin, (size_t) (asked - begin));
      length++;
    }
  }
  while (name.length > 0 && name.data[name.length - 1] == ' ') {
    name.data[--name.length] = '\0';
  }
  if (name.length == 0) {
    socklet_append_text(&name, "guest");
  }
  return name.data;
}
