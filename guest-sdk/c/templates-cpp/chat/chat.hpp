// What the files of the chat share.
#ifndef CHAT_HPP
#define CHAT_HPP

#include <cstddef>
#include <string>
#include <string_view>

// How many lines a joiner is told.
inline constexpr std::size_t kept_lines = 50;
// In bytes. So all that is kept fits into a joiner's queue, which has 1 MiB.
inline constexpr std::size_t longest_text = 4 * 1024;
// In characters.
inline constexpr std::size_t longest_name = 32;

// The name that was asked for, without what could make a line look like another: letters and
// digits of any script, spaces, and `-_.'` are left.
std::string name_of(std::string_view asked);

#endif
