// Write WebSocket handlers for socklet in C++20.
//
// A handler is a class. There is one object for each connection: it is made when the
// connection opens, and destroyed when that has ended.
//
//     #include "socklet.hpp"
//
//     struct Echo {
//       Echo(socklet::connection, const socklet::request &) {}
//
//       void on_message(socklet::connection connection, socklet::message message) {
//         connection.write(message);
//       }
//     };
//
//     SOCKLET_EXPORT_TYPE(Echo)
//
// What else the class has is found by its name:
//
//     void on_close(connection, const close_event &)             its last event
//     void on_alarm(connection, timer)                           it hears of its timers
//     static void on_shared_alarm(timer)                         and of those of nobody
//     static void on_request(connection, const request &, answer &)   it is a gate
//     static constexpr std::uint32_t schema                      it is kept over swaps:
//     result<std::string> save() const
//     static result<std::unique_ptr<T>> restore(connection, std::uint32_t, std::string_view)
//     static result<std::string> save_shared()                   and what all of them share
//     static std::optional<failure> restore_shared(std::uint32_t, std::string_view)
//
// Views, and the request, are those of the event that they came with: copy what you keep.
// There are no exceptions. Where there is no memory left, the instance ends.
#ifndef SOCKLET_HPP
#define SOCKLET_HPP

#include "socklet.h"

#include "socklet/values.hpp"
#include "socklet/connection.hpp"
#include "socklet/powers.hpp"
#include "socklet/http.hpp"
#include "socklet/export.hpp"

#endif
