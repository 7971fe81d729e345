//! What a handler can do to a connection, and ask about it. Nothing here waits.
const std = @import("std");

const host = @import("host.zig");
const log = @import("log.zig");
const members = @import("members.zig");
const memory = @import("memory.zig");
const raw = @import("raw.zig");

/// One whole WebSocket message. What is no UTF-8 in a text message, as a peer's query may be, is
/// sent as U+FFFD.
pub const Message = union(enum) {
    text: []const u8,
    binary: []const u8,

    /// The payload as the host takes it.
    pub fn wellFormed(self: Message) []const u8 {
        return switch (self) {
            .text => |text| memory.wellFormed(text),
            .binary => |payload| payload,
        };
    }

    /// The payload of either kind.
    pub fn bytes(self: Message) []const u8 {
        return switch (self) {
            inline else => |payload| payload,
        };
    }
};

pub const WriteError = error{
    /// The connection's queue holds `max-backpressure` bytes or more (1 MiB by default). Write
    /// it again later, or leave it out.
    Full,
    /// The connection is closing or closed. No attempt will succeed.
    Closed,
    /// The message is over `max-message-size` (1 MiB by default). No attempt will succeed.
    TooLarge,
};

pub const CloseError = error{
    /// The connection was closing or closed already.
    Closed,
    /// The code or the reason can't be sent, and the connection stays open.
    Invalid,
};

/// The name of an open connection. It may be copied, compared and kept, and its number is never
/// given to a second one while the host runs.
pub const Connection = enum(u64) {
    /// Every call for it answers as for a connection that has ended.
    nobody = std.math.maxInt(u64),
    _,

    /// The connection's number.
    pub fn id(self: Connection) u64 {
        return @backingInt(self);
    }

    /// Sends a message, or closes the connection where it can't: with 1013 where its queue is
    /// full, with 1011 where the message is over `max-message-size`. Both are logged. On a
    /// connection that is closing or closed nothing happens.
    pub fn write(self: Connection, message: Message) void {
        self.tryWrite(message) catch |refusal| self.closeFor(refusal);
    }

    /// Sends a text message, as `write` does.
    pub fn writeText(self: Connection, text: []const u8) void {
        self.write(.{ .text = text });
    }

    /// Sends a binary message, as `write` does.
    pub fn writeBinary(self: Connection, bytes: []const u8) void {
        self.write(.{ .binary = bytes });
    }

    /// Sends a text message that is formatted, as `write` does.
    pub fn print(self: Connection, comptime format: []const u8, args: anytype) void {
        const text = std.fmt.allocPrint(memory.arena, format, args) catch @panic("no memory for a message");
        self.writeText(text);
    }

    /// Sends a message, or says why not, and leaves the rest to you.
    pub fn tryWrite(self: Connection, message: Message) WriteError!void {
        const payload = message.wellFormed();
        const tag: raw.Message.Tag = if (message == .text) .text else .binary;
        const outcome = host.connection.write(self.id(), @backingInt(tag), raw.pointer(u8, payload), payload.len);
        return switch (@as(raw.WriteOutcome, @fromBackingInt(@intCast(outcome)))) {
            .queued => {},
            .full => error.Full,
            .closed => error.Closed,
            .too_large => error.TooLarge,
        };
    }

    pub fn closeFor(self: Connection, refusal: WriteError) void {
        @branchHint(.cold);
        const code: u16, const reason: []const u8, const why = switch (refusal) {
            error.Full => .{ 1013, "max-backpressure", "its queue is at max-backpressure: write less, or keep what tryWrite refuses" },
            error.TooLarge => .{ 1011, "max-message-size", "a message was over max-message-size: split it" },
            error.Closed => return,
        };
        // Named, since the event that is running may be another connection's.
        log.write(.warn, "connection {d} is closed with {d}: {s}", .{ self.id(), code, why });
        self.close(code, reason);
    }

    /// Closes the connection when what was written has been sent. Allowed are the codes 1000,
    /// 1001, 1003, 1007 to 1014 and 3000 to 4999, and reasons of up to 123 bytes: with others
    /// it stays open, which is logged.
    pub fn close(self: Connection, code: u16, reason: []const u8) void {
        self.tryClose(code, reason) catch {};
    }

    /// The same, and says where it was closed already, or stays open.
    pub fn tryClose(self: Connection, code: u16, reason: []const u8) CloseError!void {
        const text = memory.wellFormed(reason);
        const outcome = host.connection.close(self.id(), code, raw.pointer(u8, text), text.len);
        switch (@as(raw.CloseOutcome, @fromBackingInt(@intCast(outcome)))) {
            .closing => {},
            .closed => return error.Closed,
            .invalid => {
                log.write(.@"error", "connection {d} stays open: a close frame can't carry code {d} with a " ++
                    "reason of {d} bytes: use 1000 or 3000 to 4999, and at most 123 bytes", .{ self.id(), code, reason.len });
                return error.Invalid;
            },
        }
    }

    /// The bytes that were written and not yet handed to the operating system, frame headers
    /// included; 0 once the connection is closed.
    pub fn bufferedAmount(self: Connection) u64 {
        return host.connection.@"buffered-amount"(self.id());
    }

    /// What the route's capture of this name took from the path, decoded once. It is there until
    /// the event ends, as are the next two.
    pub fn param(self: Connection, name: []const u8) ?[]const u8 {
        var params: raw.List(raw.Tuple2(raw.Slice, raw.Slice)) = undefined;
        host.opening.params(self.id(), &params);
        for (params.get()) |pair| {
            if (std.mem.eql(u8, pair.f0.get(), name)) return pair.f1.get();
        }
        return null;
    }

    /// The verified claims of the connection's session, a JSON object as text.
    pub fn claims(self: Connection) ?[]const u8 {
        var found: raw.Option(raw.Slice) = undefined;
        host.opening.claims(self.id(), &found);
        return if (found.some) found.value.get() else null;
    }

    /// The bytes that the handler's own gate attached.
    pub fn attachment(self: Connection) ?[]const u8 {
        var found: raw.Option(raw.Slice) = undefined;
        host.opening.attachment(self.id(), &found);
        return if (found.some) found.value.get() else null;
    }
};

/// Sends a message to all connections of this instance, but for one: for rooms, in which your
/// file's variables are shared. One that reads too slowly is closed with 1013, and holds up
/// nobody. A message over `max-message-size` goes to nobody, which is logged.
pub fn broadcast(message: Message, except: Connection) void {
    for (members.connections()) |connection| {
        if (connection == except) continue;
        connection.tryWrite(message) catch |refusal| switch (refusal) {
            // The bound is the same for all of them, and none of them is to blame.
            error.TooLarge => return log.write(.@"error", "a broadcast reaches nobody: a message was over max-message-size: split it", .{}),
            else => connection.closeFor(refusal),
        };
    }
}
