// What printf prints, without stdio: that would import files from WASI.
#include "../socklet/core.h"

// One conversion, as it stands between `%` and its letter.
typedef struct conversion {
  bool left, zero, plus, space, alternative;
  size_t width;
  // Negative where there is none.
  int precision;
  // How the argument is passed: one of "hlzjt", `H` for `hh` and `L` for `ll`; 0 for an int.
  char length;
} conversion;

static void pad(socklet_buffer *buffer, char with, size_t count) {
  while (count-- > 0) {
    socklet_append(buffer, &with, 1);
  }
}

static void append_padded(socklet_buffer *buffer, const conversion *how, const char *data,
                          size_t length) {
  size_t missing = how->width > length ? how->width - length : 0;
  pad(buffer, ' ', how->left ? 0 : missing);
  socklet_append(buffer, data, length);
  pad(buffer, ' ', how->left ? missing : 0);
}

// `prefix` is a sign or "0x".
static void append_number(socklet_buffer *buffer, const conversion *how, uint64_t value,
                          unsigned base, bool capitals, const char *prefix) {
  char text[24];
  char *end = text + sizeof text, *start = end;
  const char *digits = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
  for (uint64_t rest = value; rest > 0; rest /= base) {
    *--start = digits[rest % base];
  }
  if (value == 0 && how->precision != 0) {
    *--start = '0';
  }
  size_t length = (size_t) (end - start), signs = strlen(prefix);
  size_t zeros = how->precision > (int) length ? (size_t) how->precision - length : 0;
  size_t taken = signs + zeros + length;
  size_t missing = how->width > taken ? how->width - taken : 0;
  if (how->zero && !how->left && how->precision < 0) {
    zeros = missing;
    missing = 0;
  }
  pad(buffer, ' ', how->left ? 0 : missing);
  socklet_append(buffer, prefix, signs);
  pad(buffer, '0', zeros);
  socklet_append(buffer, start, length);
  pad(buffer, ' ', how->left ? missing : 0);
}

// A `va_list` in a function's parameters may be an array, whose address is not a pointer to
// one; within a struct it is passed on alike everywhere.
typedef struct list {
  va_list arguments;
} list;

static int64_t take_signed(list *list, char length) {
  switch (length) {
    case 'H': return (signed char) va_arg(list->arguments, int);
    case 'h': return (short) va_arg(list->arguments, int);
    case 'l': return va_arg(list->arguments, long);
    case 'L': return va_arg(list->arguments, long long);
    case 'j': return va_arg(list->arguments, intmax_t);
    case 'z': return (int64_t) (ptrdiff_t) va_arg(list->arguments, size_t);
    case 't': return va_arg(list->arguments, ptrdiff_t);
    default: return va_arg(list->arguments, int);
  }
}

static uint64_t take_unsigned(list *list, char length) {
  switch (length) {
    case 'H': return (unsigned char) va_arg(list->arguments, unsigned);
    case 'h': return (unsigned short) va_arg(list->arguments, unsigned);
    case 'l': return va_arg(list->arguments, unsigned long);
    case 'L': return va_arg(list->arguments, unsigned long long);
    case 'j': return va_arg(list->arguments, uintmax_t);
    case 'z': return va_arg(list->arguments, size_t);
    case 't': return (size_t) va_arg(list->arguments, ptrdiff_t);
    default: return va_arg(list->arguments, unsigned);
  }
}

static int read_number(const char **at, list *list) {
  if (**at == '*') {
    ++*at;
    return va_arg(list->arguments, int);
  }
  int number = 0;
  while (**at >= '0' && **at <= '9') {
    number = number * 10 + (*(*at)++ - '0');
  }
  return number;
}

static conversion read_conversion(const char **at, list *list) {
  conversion how = {.precision = -1};
  for (;; ++*at) {
    switch (**at) {
      case '-': how.left = true; continue;
      case '0': how.zero = true; continue;
      case '+': how.plus = true; continue;
      case ' ': how.space = true; continue;
      case '#': how.alternative = true; continue;
      default: break;
    }
    break;
  }
  int width = read_number(at, list);
  how.left |= width < 0;
  how.width = (size_t) (width < 0 ? -(int64_t) width : width);
  if (**at == '.') {
    ++*at;
    how.precision = read_number(at, list);
  }
  if (**at != '\0' && strchr("hlzjt", **at) != NULL) {
    how.length = *(*at)++;
    if ((how.length == 'h' || how.length == 'l') && **at == how.length) {
      how.length = *(*at)++ == 'h' ? 'H' : 'L';
    }
  }
  return how;
}

static void append_string(socklet_buffer *buffer, const conversion *how, const char *text) {
  text = text == NULL ? "(null)" : text;
  // With a precision it need not be NUL-terminated.
  size_t length = 0;
  while ((how->precision < 0 || length < (size_t) how->precision) && text[length] != '\0') {
    length++;
  }
  append_padded(buffer, how, text, length);
}

static void append_conversion(socklet_buffer *buffer, const conversion *how, char letter,
                              list *list) {
  switch (letter) {
    case 'd':
    case 'i': {
      int64_t value = take_signed(list, how->length);
      const char *sign = value < 0 ? "-" : how->plus ? "+" : how->space ? " " : "";
      uint64_t size = value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
      append_number(buffer, how, size, 10, false, sign);
      break;
    }
    case 'u': append_number(buffer, how, take_unsigned(list, how->length), 10, false, ""); break;
    case 'x':
    case 'X': {
      uint64_t value = take_unsigned(list, how->length);
      const char *prefix = !how->alternative || value == 0 ? "" : letter == 'x' ? "0x" : "0X";
      append_number(buffer, how, value, 16, letter == 'X', prefix);
      break;
    }
    case 'p':
      append_number(buffer, how, (uintptr_t) va_arg(list->arguments, void *), 16, false, "0x");
      break;
    case 'c': {
      char character = (char) va_arg(list->arguments, int);
      append_padded(buffer, how, &character, 1);
      break;
    }
    case 's': append_string(buffer, how, va_arg(list->arguments, const char *)); break;
    case '%': socklet_append(buffer, "%", 1); break;
    default:
      // A number of another size would have the rest of the arguments be read wrongly, but
      // for those of a double. The text says what to do, to whoever reads it.
      if (letter != '\0' && strchr("fFeEgGaA", letter) != NULL) {
        (void) va_arg(list->arguments, double);
      }
      socklet_append_text(buffer, "<no %");
      socklet_append(buffer, &letter, letter == '\0' ? 0 : 1);
      socklet_append_text(buffer, " here: use snprintf>");
  }
}

void socklet_vappendf(socklet_buffer *buffer, const char *format, va_list arguments) {
  list list;
  va_copy(list.arguments, arguments);
  while (*format != '\0') {
    const char *percent = strchr(format, '%');
    if (percent == NULL) {
      socklet_append_text(buffer, format);
      break;
    }
    socklet_append(buffer, format, (size_t) (percent - format));
    format = percent + 1;
    conversion how = read_conversion(&format, &list);
    append_conversion(buffer, &how, *format, &list);
    if (*format != '\0') {
      format++;
    }
  }
  va_end(list.arguments);
}

void socklet_appendf(socklet_buffer *buffer, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  socklet_vappendf(buffer, format, arguments);
  va_end(arguments);
}
