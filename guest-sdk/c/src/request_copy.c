// A request that stays.
#include <stdlib.h>

#include "../socklet/request.h"

// Copies a string behind `*end`, or leaves it none.
static socklet_string place(socklet_string string, char **end) {
  if (string.data == NULL) {
    return string;
  }
  char *start = *end;
  memcpy(start, string.data, string.length);
  start[string.length] = '\0';
  *end += string.length + 1;
  return (socklet_string){start, string.length};
}

static size_t room_for(socklet_string string) {
  return string.data == NULL ? 0 : string.length + 1;
}

socklet_request *socklet_copy_request(const socklet_request *request) {
  size_t fields = request->header_count * sizeof *request->headers;
  size_t size = sizeof *request + fields + room_for(request->path) + room_for(request->query) +
                room_for(request->remote_address) + room_for(request->subprotocol);
  for (size_t i = 0; i < request->header_count; i++) {
    size += room_for(request->headers[i].name) + room_for(request->headers[i].value);
  }
  // Pointers and lengths first, so that they are aligned.
  socklet_request *copy = malloc(size);
  if (copy == NULL) {
    abort();
  }
  socklet_header_field *headers = (socklet_header_field *) (copy + 1);
  char *end = (char *) headers + fields;
  for (size_t i = 0; i < request->header_count; i++) {
    headers[i].name = place(request->headers[i].name, &end);
    headers[i].value = place(request->headers[i].value, &end);
  }
  *copy = (socklet_request){
      .path = place(request->path, &end),
      .query = place(request->query, &end),
      .headers = headers,
      .header_count = request->header_count,
      .remote_address = place(request->remote_address, &end),
      .subprotocol = place(request->subprotocol, &end),
  };
  return copy;
}
