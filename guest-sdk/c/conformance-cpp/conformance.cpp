// The program that every SDK has: docs/conformance.md.
#include "conformance.hpp"

#include <cstring>

Conformance::Conformance(socklet::connection connection, const socklet::request &request)
    : request_(request) {
  connection.write("ready " + std::string(request.path()));
}

void Conformance::on_message(socklet::connection connection, socklet::message message) {
  messages_++;
  if (message.is_binary() || !message.text().starts_with('/')) {
    connection.write(message);
  } else if (!run(connection, message.text().substr(1))) {
    connection.write("unknown");
  }
}

void Conformance::on_close(socklet::connection, const socklet::close_event &event) {
  static constexpr const char *origins[] = {"peer", "handler", "host", "network"};
  std::string line = "closed origin=";
  line.append(origins[int(event.origin)]);
  line.append(" code=").append(std::to_string(event.code));
  line.append(" detail=").append(event.detail);
  line.append(" reason=").append(event.reason);
  socklet::info(line);
}

void Conformance::on_alarm(socklet::connection connection, socklet::timer timer) {
  auto found = reminders_.find(timer.id());
  if (found != reminders_.end()) {
    connection.write("alarm " + found->second.text);
    if (!found->second.repeats) {
      reminders_.erase(found);
    }
  }
}

void Conformance::on_request(socklet::connection, const socklet::request &request,
                             socklet::answer &answer) {
  if (auto status = request.query("refuse")) {
    answer.reject(std::uint16_t(std::atoi(status->c_str())), "refused");
    answer.header("x-conformance", "refused");
    return;
  }
  answer.header("x-conformance", "accepted");
  if (auto url = request.query("ask")) {
    auto response = socklet::http::get(*url).send();
    answer.attach(response ? std::to_string(response.status()) : "error");
  } else if (auto text = request.query("attach")) {
    answer.attach(*text);
  }
  if (auto name = request.query("agree")) {
    answer.agree(*name);
  }
}

namespace {

template <class T>
void put(std::string &out, const T &value) {
  out.append(reinterpret_cast<const char *>(&value), sizeof value);
}

// False where too little is left.
template <class T>
bool take(std::string_view &in, T &value) {
  if (in.size() < sizeof value) {
    return false;
  }
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return true;
}

}  // namespace

socklet::result<std::string> Conformance::save() const {
  if (refuses_suspend_) {
    return socklet::failure{"as asked"};
  }
  std::string out;
  put(out, messages_);
  put(out, last_timer_);
  for (const auto &[timer, reminder] : reminders_) {
    put(out, timer);
    put(out, reminder.repeats);
    put(out, reminder.text.size());
    out.append(reminder.text);
  }
  return out;
}

socklet::result<std::unique_ptr<Conformance>> Conformance::restore(socklet::connection,
                                                                   std::uint32_t,
                                                                   std::string_view saved) {
  std::unique_ptr<Conformance> restored(new Conformance());
  if (!take(saved, restored->messages_) || !take(saved, restored->last_timer_)) {
    return socklet::failure{"the state is torn"};
  }
  while (!saved.empty()) {
    socklet_timer timer;
    bool repeats;
    std::size_t size;
    if (!take(saved, timer) || !take(saved, repeats) || !take(saved, size) ||
        saved.size() < size) {
      return socklet::failure{"the state is torn"};
    }
    restored->reminders_[timer] = {repeats, std::string(saved.substr(0, size))};
    saved.remove_prefix(size);
  }
  return restored;
}

SOCKLET_EXPORT_TYPE(Conformance)
