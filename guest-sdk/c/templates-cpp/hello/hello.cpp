// Greets each peer, logs what it says, and logs that it left.

#include "socklet.hpp"

// There is one object for each connection: its members are the connection's state.
struct Hello {
  // A connection is open.
  Hello(socklet::connection connection, const socklet::request &) {
    connection.write("Hello!");
  }

  // The peer sent a message. Its text is there until this returns.
  void on_message(socklet::connection, socklet::message message) {
    if (message.is_text()) {
      socklet::info(message.text());
    } else {
      socklet::info(socklet::format("<%zu bytes>", message.size()));
    }
  }

  // The connection has ended. The object is destroyed after this.
  void on_close(socklet::connection, const socklet::close_event &) {
    socklet::info("Disconnected");
  }
};

SOCKLET_EXPORT_TYPE(Hello)
