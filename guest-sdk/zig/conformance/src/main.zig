//! The program that every SDK has: docs/conformance.md.
const socklet = @import("socklet");
const std = @import("std");

const commands = @import("commands.zig");

const Connection = socklet.Connection;

pub const Handler = struct {
    messages: u64 = 0,
    refuses_suspend: bool = false,
    last: ?socklet.Timer = null,
    reminders: std.ArrayList(Reminder) = .empty,
    // Not there after a swap.
    request: ?socklet.Request.Owned = null,

    /// A timer, and what is to be said when it goes off.
    pub const Reminder = struct {
        timer: socklet.Timer,
        repeats: bool,
        text: []const u8,
    };

    pub fn onReady(connection: Connection, request: socklet.Request) !Handler {
        connection.print("ready {s}", .{request.path});
        return .{ .request = try request.dupe(socklet.allocator) };
    }

    pub fn onMessage(self: *Handler, connection: Connection, message: socklet.Message) !void {
        self.messages += 1;
        if (message == .binary or !std.mem.startsWith(u8, message.text, "/")) {
            connection.write(message);
        } else if (!try commands.run(self, connection, message.text[1..])) {
            connection.writeText("unknown");
        }
    }

    pub fn onClose(self: *Handler, _: Connection, event: socklet.CloseEvent) void {
        std.log.info("closed origin={t} code={d} detail={s} reason={s}", .{
            event.origin, event.code, event.detail, event.reason,
        });
        for (self.reminders.items) |reminder| socklet.allocator.free(reminder.text);
        self.reminders.deinit(socklet.allocator);
        if (self.request) |request| request.deinit();
    }

    pub fn onAlarm(self: *Handler, connection: Connection, timer: socklet.Timer) void {
        for (self.reminders.items, 0..) |reminder, place| {
            if (reminder.timer != timer) continue;
            connection.print("alarm {s}", .{reminder.text});
            if (!reminder.repeats) socklet.allocator.free(self.reminders.swapRemove(place).text);
            return;
        }
    }

    pub fn onRequest(_: Connection, request: socklet.Request) !socklet.Answer {
        if (try request.query("refuse")) |status| {
            return .{ .reject = .{
                .status = try std.fmt.parseInt(u16, status, 10),
                .headers = &.{.{ .name = "x-conformance", .value = "refused" }},
                .body = "refused",
            } };
        }
        return .{ .accept = .{
            .headers = &.{.{ .name = "x-conformance", .value = "accepted" }},
            .attachment = if (try request.query("ask")) |url| try ask(url) else try request.query("attach"),
            .subprotocol = try request.query("agree"),
        } };
    }

    /// The status of what is there, whose body stays unread.
    fn ask(url: []const u8) ![]const u8 {
        const answer = socklet.http.get(url, .{}) catch return "error";
        return std.fmt.allocPrint(socklet.arena, "{d}", .{answer.status});
    }

    pub const schema: u32 = 1;

    pub fn save(self: *const Handler, writer: *std.Io.Writer) !void {
        if (self.refuses_suspend) return socklet.failure("as asked");
        try writer.writeInt(u64, self.messages, .little);
        try writer.writeInt(u64, if (self.last) |timer| @backingInt(timer) else std.math.maxInt(u64), .little);
        for (self.reminders.items) |reminder| {
            try writer.writeInt(u64, @backingInt(reminder.timer), .little);
            try writer.writeByte(@intFromBool(reminder.repeats));
            try writer.writeInt(u32, @intCast(reminder.text.len), .little);
            try writer.writeAll(reminder.text);
        }
    }

    pub fn restore(_: Connection, _: u32, saved: []const u8) !Handler {
        var reader: std.Io.Reader = .fixed(saved);
        var self: Handler = .{ .messages = try reader.takeInt(u64, .little) };
        self.last = @fromBackingInt(try reader.takeInt(u64, .little));
        while (reader.bufferedLen() > 0) {
            const timer = try reader.takeInt(u64, .little);
            const repeats = try reader.takeByte() != 0;
            const text = try reader.take(try reader.takeInt(u32, .little));
            try self.reminders.append(socklet.allocator, .{
                .timer = @fromBackingInt(timer),
                .repeats = repeats,
                .text = try socklet.allocator.dupe(u8, text),
            });
        }
        return self;
    }
};
