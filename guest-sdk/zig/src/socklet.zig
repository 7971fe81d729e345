//! Write WebSocket handlers for socklet in Zig.
//!
//! A handler is a struct named `Handler`. There is one value for each connection:
//!
//!     const socklet = @import("socklet");
//!
//!     pub const Handler = struct {
//!         pub fn onMessage(_: *Handler, connection: socklet.Connection, message: socklet.Message) void {
//!             connection.write(message);
//!         }
//!     };
//!
//! What else it has is found by its name, and each may answer an error as well:
//!
//!     fn onReady(Connection, Request) Handler     makes the value; without it `.{}` does
//!     fn onClose(*Handler, Connection, CloseEvent) void
//!     fn onAlarm(*Handler, Connection, Timer) void          it hears of its timers
//!     fn onSharedAlarm(Timer) void                          and of those of `.nobody`
//!     fn onRequest(Connection, Request) Answer              it is a gate
//!     const schema: u32                                     it is kept over swaps:
//!     fn save(*const Handler, *std.Io.Writer) void
//!     fn restore(Connection, schema: u32, saved: []const u8) Handler
//!     fn saveShared(*std.Io.Writer) void, fn restoreShared(schema: u32, saved: []const u8) void
//!
//! An error that an event answers is logged by its name, and closes that event's connection
//! with 1011; the instance lives on. A panic is logged and ends the instance.
//!
//! What an event is given is there until it returns: copy what you keep, with `allocator`. So
//! is what the SDK answers that had to be allocated, and what you allocate with `arena`.
//!
//! `std.log` goes to the host's log. What a component doesn't use it does not import.

pub const Connection = @import("connection.zig").Connection;
pub const Message = @import("connection.zig").Message;
pub const WriteError = @import("connection.zig").WriteError;
pub const CloseError = @import("connection.zig").CloseError;
pub const members = @import("members.zig").connections;
pub const broadcast = @import("connection.zig").broadcast;

pub const Request = @import("request.zig").Request;
pub const Header = @import("request.zig").Header;
pub const CloseEvent = @import("request.zig").CloseEvent;

pub const topics = @import("topics.zig");
pub const Timer = @import("timers.zig").Timer;
pub const timers = @import("timers.zig");
pub const Answer = @import("gate.zig").Answer;
pub const failure = @import("snapshot.zig").failure;
pub const http = @import("http.zig");

/// A variable that the manifest gives the handler, in `[env]` or `[secrets]`; null where it gives
/// none of that name. It is there until the event ends.
pub fn env(name: []const u8) ?[]const u8 {
    return @import("host.zig").environment.get(name);
}

pub const log = @import("log.zig").log;
pub const Level = @import("log.zig").Level;
pub const std_options = @import("log.zig").std_options;
pub const panic = @import("log.zig").panic;

pub const allocator = @import("memory.zig").allocator;
pub const arena = @import("memory.zig").arena;

pub const exportHandler = @import("exports.zig").exportHandler;

/// A host for tests.
pub const testing = @import("testing.zig");

test {
    _ = @import("tests.zig");
}
