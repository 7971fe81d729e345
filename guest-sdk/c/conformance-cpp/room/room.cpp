// The program for connections that share an instance: docs/conformance.md.
#include <cstring>

#include "socklet.hpp"

class Room {
 public:
  Room(socklet::connection connection, const socklet::request &) {
    // Itself is no member yet.
    connection.write("ready " + std::to_string(socklet::member_count() + 1));
    tell_others(connection, "+");
  }

  void on_message(socklet::connection connection, socklet::message message) {
    messages_++;
    std::string_view line = message.is_text() ? message.text() : std::string_view();
    if (line == "/members") {
      connection.write(std::to_string(socklet::member_count()));
    } else if (line == "/count") {
      connection.write(std::to_string(messages_));
    } else if (takes(line, "/others ")) {
      socklet::broadcast(line, connection);
    } else if (takes(line, "/fail ")) {
      socklet::fail(line);
    } else {
      socklet::broadcast(message);
    }
  }

  void on_close(socklet::connection connection, const socklet::close_event &) {
    tell_others(connection, "-");
  }

  static constexpr std::uint32_t schema = 1;

  // A connection has nothing of its own.
  socklet::result<std::string> save() const { return std::string(); }

  static socklet::result<std::unique_ptr<Room>> restore(socklet::connection, std::uint32_t,
                                                        std::string_view) {
    return std::unique_ptr<Room>(new Room());
  }

  static socklet::result<std::string> save_shared() {
    return std::string(reinterpret_cast<const char *>(&messages_), sizeof messages_);
  }

  static std::optional<socklet::failure> restore_shared(std::uint32_t, std::string_view saved) {
    if (saved.size() != sizeof messages_) {
      return socklet::failure{"the state is torn"};
    }
    std::memcpy(&messages_, saved.data(), sizeof messages_);
    return std::nullopt;
  }

 private:
  Room() = default;

  static void tell_others(socklet::connection connection, const char *sign) {
    socklet::broadcast(sign + std::to_string(connection.id()), connection);
  }

  // Whether it is this command; `line` is what follows it then.
  static bool takes(std::string_view &line, std::string_view command) {
    bool is = line.starts_with(command);
    line.remove_prefix(is ? command.size() : 0);
    return is;
  }

  static inline std::uint64_t messages_ = 0;
};

SOCKLET_EXPORT_TYPE(Room)
