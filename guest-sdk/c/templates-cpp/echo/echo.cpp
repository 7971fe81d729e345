// Sends each message back, text as text and binary as binary.

#include "socklet.hpp"

struct Echo {
  Echo(socklet::connection, const socklet::request &) {}

  void on_message(socklet::connection connection, socklet::message message) {
    connection.write(message);
  }
};

SOCKLET_EXPORT_TYPE(Echo)
