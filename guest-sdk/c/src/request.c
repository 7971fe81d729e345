// What is looked up in a request.
#include "../socklet/request.h"

static char lower(char character) {
  return character >= 'A' && character <= 'Z' ? (char) (character + ('a' - 'A')) : character;
}

// The host gives names in lower case; a handler that sends some writes them as it likes.
static bool is_named(socklet_string name, const char *wanted) {
  size_t at = 0;
  while (at < name.length && wanted[at] != '\0' && lower(name.data[at]) == lower(wanted[at])) {
    at++;
  }
  return at == name.length && wanted[at] == '\0';
}

socklet_string socklet_next_header(const socklet_request *request, const char *name, size_t *at) {
  while (*at < request->header_count) {
    const socklet_header_field *field = &request->headers[(*at)++];
    if (is_named(field->name, name)) {
      socklet_string value = field->value;
      // An empty value's pointer may be anything, and here must not look like none.
      if (value.length == 0) {
        value.data = "";
      }
      return value;
    }
  }
  return (socklet_string){0};
}

socklet_string socklet_header(const socklet_request *request, const char *name) {
  size_t at = 0;
  return socklet_next_header(request, name, &at);
}

// Cuts off what is before `divider`, and has `rest` be what is behind it, or none.
static socklet_string cut(socklet_string *rest, char divider) {
  const char *found = rest->length > 0 ? memchr(rest->data, divider, rest->length) : NULL;
  socklet_string before = *rest;
  if (found == NULL) {
    *rest = (socklet_string){0};
    return before;
  }
  before.length = (size_t) (found - before.data);
  *rest = (socklet_string){found + 1, rest->length - before.length - 1};
  return before;
}

static bool is_space(char character) {
  return character == ' ' || (character >= '\t' && character <= '\r' && character != '\v');
}

static socklet_string trim(socklet_string string) {
  while (string.length > 0 && is_space(string.data[0])) {
    string.data++;
    string.length--;
  }
  while (string.length > 0 && is_space(string.data[string.length - 1])) {
    string.length--;
  }
  return string;
}

// RFC 6265, section 4.2. HTTP/2 lets a peer send a field for each cookie.
socklet_string socklet_cookie(const socklet_request *request, const char *name) {
  size_t at = 0;
  socklet_string field;
  while ((field = socklet_next_header(request, "cookie", &at)).data != NULL) {
    while (field.data != NULL) {
      socklet_string value = cut(&field, ';');
      socklet_string key = cut(&value, '=');
      if (value.data != NULL && socklet_string_is(trim(key), name)) {
        return trim(value);
      }
    }
  }
  return (socklet_string){0};
}

static int digit(char character) {
  char small = lower(character);
  if (small >= '0' && small <= '9') {
    return small - '0';
  }
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// The next byte of a text as forms encode it. A `%` that begins no escape stands for itself.
static char decode(socklet_string *encoded) {
  char character = *encoded->data++;
  encoded->length--;
  if (character == '+') {
    return ' ';
  }
  if (character == '%' && encoded->length >= 2) {
    int high = digit(encoded->data[0]), low = digit(encoded->data[1]);
    if (high >= 0 && low >= 0) {
      encoded->data += 2;
      encoded->length -= 2;
      return (char) (high << 4 | low);
    }
  }
  return character;
}

static bool decodes_to(socklet_string encoded, const char *wanted) {
  while (encoded.length > 0) {
    char character = decode(&encoded);
    if (character == '\0' || character != *wanted++) {
      return false;
    }
  }
  return *wanted == '\0';
}

bool socklet_query(const socklet_request *request, const char *name, socklet_buffer *value) {
  socklet_string rest = request->query;
  while (rest.data != NULL) {
    socklet_string encoded = cut(&rest, '&');
    bool blank = encoded.length == 0;
    socklet_string key = cut(&encoded, '=');
    if (blank || !decodes_to(key, name)) {
      continue;
    }
    while (encoded.length > 0) {
      char character = decode(&encoded);
      socklet_append(value, &character, 1);
    }
    return true;
  }
  return false;
}
