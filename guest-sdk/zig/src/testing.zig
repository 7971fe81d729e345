//! A host that is none: it runs a handler in an ordinary test.
//!
//!     test "it greets" {
//!         const peer = try socklet.testing.connect(Handler, "/hello");
//!         try peer.expectText("Hello!");
//!         try peer.send(.{ .text = "hi" });
//!         peer.close(1000, "");
//!     }
//!
//! It has connections, the log, and the upstreams and variables that a test gives it. Topics, timers, captures and claims answer as if there were
//! nothing. A connection that is not closed leaks its memory, which fails the test.
const std = @import("std");

const Connection = @import("connection.zig").Connection;
const Events = @import("exports.zig").Events;
const HttpError = @import("http/errors.zig").Error;
const memory = @import("memory.zig");
const Message = @import("connection.zig").Message;
const raw = @import("raw.zig");
const Request = @import("request.zig").Request;

const State = struct {
    written: std.ArrayList(Message) = .empty,
    code: u16 = 0,
    open: bool = false,
};

// The test's memory is not the handler's, whose leaks are to be found.
const gpa = std.heap.page_allocator;
var states: std.ArrayList(State) = .empty;
var lines: std.ArrayList([]const u8) = .empty;

/// Opens a connection: the handler's `onReady` is called. The target is a path, and may have a
/// query.
pub fn connect(comptime Handler: type, target: []const u8) !Peer(Handler) {
    const mark = std.mem.findScalar(u8, target, '?');
    return connectWith(Handler, .{
        .path = target[0 .. mark orelse target.len],
        .query_string = if (mark) |at| target[at + 1 ..] else null,
        .remote_address = "127.0.0.1:50000",
    });
}

/// The same, with a request of your own.
pub fn connectWith(comptime Handler: type, request: Request) !Peer(Handler) {
    try states.append(gpa, .{ .open = true });
    const peer: Peer(Handler) = .{ .connection = @fromBackingInt(states.items.len) };
    Events(Handler).onReady(peer.connection, request);
    memory.endEvent();
    return peer;
}

/// The other side of a connection.
pub fn Peer(comptime Handler: type) type {
    return struct {
        connection: Connection,

        const Self = @This();

        /// Has the peer send a message: the handler's `onMessage` is called.
        pub fn send(self: Self, message: Message) error{Closed}!void {
            const state = stateOf(self.connection.id()).?;
            if (!state.open or state.code != 0) return error.Closed;
            Events(Handler).onMessage(self.connection, message);
            memory.endEvent();
        }

        /// The message that was written next; null where there is no more.
        pub fn next(self: Self) ?Message {
            const state = stateOf(self.connection.id()).?;
            return if (state.written.items.len == 0) null else state.written.orderedRemove(0);
        }

        /// Expects a text message to be the next that was written.
        pub fn expectText(self: Self, expected: []const u8) !void {
            const message = self.next() orelse return error.NothingWritten;
            if (message != .text) return error.WrittenAsBinary;
            try std.testing.expectEqualStrings(expected, message.text);
        }

        /// Expects a binary message to be the next that was written.
        pub fn expectBinary(self: Self, expected: []const u8) !void {
            const message = self.next() orelse return error.NothingWritten;
            if (message != .binary) return error.WrittenAsText;
            try std.testing.expectEqualSlices(u8, expected, message.binary);
        }

        /// The code with which the handler closed the connection; 0 where it did not.
        pub fn code(self: Self) u16 {
            return stateOf(self.connection.id()).?.code;
        }

        /// Ends the connection: the handler's `onClose` is called. It is the peer who closes,
        /// unless the handler has done so.
        pub fn close(self: Self, with: u16, reason: []const u8) void {
            const state = stateOf(self.connection.id()).?;
            if (!state.open) return;
            state.open = false;
            Events(Handler).onClose(self.connection, .{
                .origin = if (state.code == 0) .peer else .handler,
                .code = if (state.code == 0) with else state.code,
                .reason = reason,
                .detail = "",
            });
            memory.endEvent();
        }
    };
}

/// The line that was logged next, by `socklet.log`; null where there is no more. (In a test,
/// `std.log` prints to the standard error.)
pub fn logged() ?[]const u8 {
    return if (lines.items.len == 0) null else lines.orderedRemove(0);
}

/// What those answer who are asked by `socklet.http`.
pub const upstreams = @import("http/upstreams.zig");

/// Answers requests of that URL from now on. A request of one that has no answer is `error.Denied`.
///
///     socklet.testing.answer("https://api.example.com/price", .{ .pieces = &.{"17"} });
pub fn answer(url: []const u8, with: upstreams.Answer) void {
    upstreams.put(url, with);
}

/// Has requests of that URL fail.
pub fn refuse(url: []const u8, with: HttpError) void {
    upstreams.put(url, with);
}

/// The request that was sent next; null where there is no more.
pub fn asked() ?upstreams.Asked {
    return upstreams.next();
}

/// Gives the handler a variable. Both texts have to stay.
pub fn setVariable(name: []const u8, value: []const u8) void {
    variables.put(gpa, name, value) catch @panic("no memory");
}

var variables: std.StringHashMapUnmanaged([]const u8) = .empty;

pub const environment = struct {
    pub fn get(name: []const u8) ?[]const u8 {
        return variables.get(name);
    }
};

fn stateOf(id: u64) ?*State {
    return if (id == 0 or id > states.items.len) null else &states.items[@intCast(id - 1)];
}

fn openStateOf(id: u64) ?*State {
    const state = stateOf(id) orelse return null;
    return if (state.open and state.code == 0) state else null;
}

/// What the bindings have, by their names.
pub const calls = struct {
    pub fn write(to: u64, tag: u32, ptr: [*]const u8, len: usize) u32 {
        const state = openStateOf(to) orelse return @backingInt(raw.WriteOutcome.closed);
        if (len > 1 << 20) return @backingInt(raw.WriteOutcome.too_large);
        const payload = gpa.dupe(u8, ptr[0..len]) catch @panic("no memory");
        state.written.append(gpa, if (tag == 0) .{ .text = payload } else .{ .binary = payload }) catch
            @panic("no memory");
        return @backingInt(raw.WriteOutcome.queued);
    }

    pub fn close(connection: u64, code: u32, _: [*]const u8, len: usize) u32 {
        const state = openStateOf(connection) orelse return @backingInt(raw.CloseOutcome.closed);
        const allowed = switch (code) {
            1000, 1001, 1003, 1007...1014, 3000...4999 => len <= 123,
            else => false,
        };
        if (!allowed) return @backingInt(raw.CloseOutcome.invalid);
        state.code = @intCast(code);
        return @backingInt(raw.CloseOutcome.closing);
    }

    pub fn @"buffered-amount"(_: u64) u64 {
        return 0;
    }

    pub fn params(_: u64, result: *raw.List(raw.Tuple2(raw.Slice, raw.Slice))) void {
        result.* = .{ .ptr = undefined, .len = 0 };
    }

    pub fn claims(_: u64, result: *raw.Option(raw.Slice)) void {
        result.* = .{ .some = false, .value = undefined };
    }

    pub fn attachment(_: u64, result: *raw.Option(raw.Slice)) void {
        result.* = .{ .some = false, .value = undefined };
    }

    pub fn log(_: u32, ptr: [*]const u8, len: usize) void {
        lines.append(gpa, gpa.dupe(u8, ptr[0..len]) catch @panic("no memory")) catch @panic("no memory");
    }

    pub fn subscribe(_: u64, _: [*]const u8, _: usize) u32 {
        return @backingInt(raw.SubscribeOutcome.subscribed);
    }

    pub fn unsubscribe(_: u64, _: [*]const u8, _: usize) u32 {
        return @backingInt(raw.UnsubscribeOutcome.not_subscribed);
    }

    pub fn publish(_: [*]const u8, _: usize, _: u32, _: [*]const u8, _: usize, _: u32, _: u64) u32 {
        return @backingInt(raw.PublishOutcome.published);
    }

    pub fn @"subscriber-count"(_: [*]const u8, _: usize) u64 {
        return 0;
    }

    pub fn set(_: u64, _: u32, _: u64, result: *raw.SetOutcome) void {
        result.* = .{ .tag = .unavailable, .value = .{ .unavailable = .{} } };
    }

    pub fn cancel(_: u64) u32 {
        return @backingInt(raw.CancelOutcome.not_set);
    }
};
