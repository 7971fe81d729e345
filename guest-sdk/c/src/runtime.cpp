// What the C++ library does where it can't go on: it logs that and ends the instance. Its
// own way is to print, which imports files from WASI.
#include <cstdarg>
#include <cstdlib>
#include <new>

#include "../socklet/log.h"

namespace {

[[noreturn]] void end(const char *format, va_list arguments) {
  socklet_buffer line{};
  socklet_vappendf(&line, format, arguments);
  socklet_log(SOCKLET_ERROR, socklet_contents(&line));
  __builtin_trap();
}

}  // namespace

// Libraries after 19 declare it so.
#ifndef _LIBCPP_VERBOSE_ABORT_NOEXCEPT
#define _LIBCPP_VERBOSE_ABORT_NOEXCEPT
#endif

// Where an exception would be thrown, as by `std::string::at`.
_LIBCPP_BEGIN_NAMESPACE_STD
void __libcpp_verbose_abort(const char *format, ...) _LIBCPP_VERBOSE_ABORT_NOEXCEPT {
  va_list arguments;
  va_start(arguments, format);
  end(format, arguments);
}
_LIBCPP_END_NAMESPACE_STD

// The same of the library below that one, as for a pure virtual call.
extern "C" [[noreturn]] void abort_message(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  end(format, arguments);
}

void *operator new(std::size_t size) {
  void *memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}

void *operator new[](std::size_t size) {
  return operator new(size);
}

void operator delete(void *memory) noexcept {
  std::free(memory);
}

void operator delete[](void *memory) noexcept {
  std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept {
  std::free(memory);
}

void operator delete[](void *memory, std::size_t) noexcept {
  std::free(memory);
}
