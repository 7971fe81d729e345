// A chat: what one says, everyone in the room reads. The README has the format.

#include "chat.hpp"

#include <cstring>
#include <deque>

#include "socklet.hpp"

// One who is in the room. All connections of a room share the instance, and so the static
// members.
class Chat {
 public:
  // Somebody has come. The others are the members by now: this one is when this has ended.
  Chat(socklet::connection connection, const socklet::request &request)
      // Of `?name=Ada`.
      : name_(name_of(request.query("name").value_or(""))) {
    for (const std::string &line : lines_) {
      connection.write(line);
    }
    std::string joined = "* " + name_ + " joined";
    connection.write(joined);
    socklet::broadcast(joined);
  }

  void on_message(socklet::connection connection, socklet::message message) {
    if (!message.is_text()) {
      connection.close(1003, "text only");
    } else if (message.size() > longest_text) {
      connection.write("* a text may have " + std::to_string(longest_text) + " bytes");
    } else {
      std::string line = name_ + ": ";
      line += message.text();
      socklet::broadcast(line);
      keep(std::move(line));
    }
  }

  // Somebody has gone, and is no member any more.
  void on_close(socklet::connection, const socklet::close_event &) {
    socklet::broadcast("* " + name_ + " left");
  }

  // When this file has changed and was built, the new version takes the room up as it was,
  // with everyone in it: what the functions below save and restore. Count the schema up when
  // the form of what is saved changes.
  static constexpr std::uint32_t schema = 1;

  socklet::result<std::string> save() const { return name_; }

  static socklet::result<std::unique_ptr<Chat>> restore(socklet::connection, std::uint32_t,
                                                        std::string_view saved) {
    return std::unique_ptr<Chat>(new Chat(saved));
  }

  // Each line has its length before it.
  static socklet::result<std::string> save_shared() {
    std::string saved;
    for (const std::string &line : lines_) {
      std::size_t length = line.size();
      saved.append(reinterpret_cast<const char *>(&length), sizeof length);
      saved += line;
    }
    return saved;
  }

  static std::optional<socklet::failure> restore_shared(std::uint32_t, std::string_view saved) {
    std::size_t length;
    while (saved.size() >= sizeof length) {
      std::memcpy(&length, saved.data(), sizeof length);
      saved.remove_prefix(sizeof length);
      if (length > saved.size()) {
        return socklet::failure{"a line is torn"};
      }
      keep(std::string(saved.substr(0, length)));
      saved.remove_prefix(length);
    }
    return std::nullopt;
  }

 private:
  explicit Chat(std::string_view name) : name_(name) {}

  static void keep(std::string line) {
    lines_.push_back(std::move(line));
    if (lines_.size() > kept_lines) {
      lines_.pop_front();
    }
  }

  std::string name_;

  // The last lines that were said, oldest first.
  static inline std::deque<std::string> lines_;
};

SOCKLET_EXPORT_TYPE(Chat)
