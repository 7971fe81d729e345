// What a peer may be called.

#include <cwctype>

#include "chat.hpp"

// Takes a character of UTF-8 off the text. A byte that begins none is taken as 0.
static char32_t take_character(std::string_view &text) {
  static constexpr char32_t least[] = {0, 0x80, 0x800, 0x10000};
  auto byte = [&](std::size_t at) -> unsigned char { return at < text.size() ? text[at] : 0; };
  char32_t character = byte(0);
  std::size_t more = 0;
  if (character >= 0xC2 && character <= 0xF4) {
    more = character < 0xE0 ? 1 : character < 0xF0 ? 2 : 3;
    character &= 0x3F >> more;
  } else if (character >= 0x80) {
    character = 0;
  }
  for (std::size_t i = 1; i <= more; i++) {
    if ((byte(i) & 0xC0) != 0x80) {
      text.remove_prefix(1);
      return 0;
    }
    character = character << 6 | (byte(i) & 0x3F);
  }
  text.remove_prefix(1 + more);
  return character < least[more] ? 0 : character;
}

static bool fits(char32_t character) {
  static constexpr std::u32string_view marks = U" -_.'";
  return std::iswalnum(std::wint_t(character)) || marks.find(character) != marks.npos;
}

std::string name_of(std::string_view asked) {
  std::string name;
  for (std::size_t length = 0; !asked.empty() && length < longest_name;) {
    std::string_view rest = asked;
    char32_t character = take_character(asked);
    if (fits(character) && (character != ' ' || length > 0)) {
      name += rest.substr(0, rest.size() - asked.size());
      length++;
    }
  }
  name.erase(name.find_last_not_of(' ') + 1);
  return name.empty() ? "guest" : name;
}
