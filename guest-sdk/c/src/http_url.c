// URLs, as far as a request needs them.
#include "http_host.h"

static bool takes_prefix(socklet_string *text, const char *prefix) {
  size_t length = strlen(prefix);
  if (text->length < length) {
    return false;
  }
  for (size_t i = 0; i < length; i++) {
    char character = text->data[i];
    if (character >= 'A' && character <= 'Z') {
      character = (char) (character + ('a' - 'A'));
    }
    if (character != prefix[i]) {
      return false;
    }
  }
  text->data += length;
  text->length -= length;
  return true;
}

bool http_parse_url(socklet_string text, http_url *url) {
  *url = (http_url){0};
  for (size_t i = 0; i < text.length; i++) {
    if (text.data[i] <= ' ' || text.data[i] > '~') {
      return false;
    }
  }
  url->secure = takes_prefix(&text, "https://");
  if (!url->secure && !takes_prefix(&text, "http://")) {
    return false;
  }
  size_t end = 0;
  while (end < text.length && strchr("/?#", text.data[end]) == NULL) {
    end++;
  }
  url->authority = (socklet_string){text.data, end};
  if (end == text.length || text.data[end] != '/') {
    socklet_append_text(&url->path, "/");
  }
  size_t fragment = end;
  while (fragment < text.length && text.data[fragment] != '#') {
    fragment++;
  }
  socklet_append(&url->path, text.data + end, fragment - end);
  return end > 0;
}
