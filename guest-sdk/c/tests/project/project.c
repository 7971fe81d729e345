#include "project.h"

#include "socklet.h"

static void *on_ready(socklet_connection connection, const socklet_request *request) {
  (void) request;
  socklet_write_text(connection, cheer());
  return NULL;
}

SOCKLET_EXPORT(.on_ready = on_ready)
