//! What a text message that begins with `/` does: docs/conformance.md.
const socklet = @import("socklet");
const std = @import("std");

const Handler = @import("main.zig").Handler;

/// What a command works on.
const Call = struct {
    handler: *Handler,
    connection: socklet.Connection,
    /// What is left of the line.
    rest: []const u8,

    fn word(self: *Call) []const u8 {
        const end = std.mem.findScalar(u8, self.rest, ' ') orelse self.rest.len;
        const taken = self.rest[0..end];
        self.rest = self.rest[@min(end + 1, self.rest.len)..];
        return taken;
    }

    fn number(self: *Call) !u32 {
        return std.fmt.parseInt(u32, self.word(), 10);
    }

    fn milliseconds(self: *Call) !u64 {
        return std.fmt.parseInt(u64, self.word(), 10);
    }

    fn answer(self: *Call, text: []const u8) void {
        self.connection.writeText(text);
    }

    fn answerOrNone(self: *Call, text: ?[]const u8) void {
        self.answer(text orelse "none");
    }

    fn failed(self: *Call, err: socklet.http.Error) void {
        std.log.info("no answer: {s}", .{socklet.http.why(err)});
        self.answer("error");
    }

    fn request(self: *Call) socklet.Request {
        return if (self.handler.request) |owned| owned.request else .{};
    }

    fn bytes(_: *Call, size: usize, value: u8) ![]const u8 {
        const made = try socklet.arena.alloc(u8, size);
        @memset(made, value);
        return made;
    }
};

/// The word of the WIT for an error that stands for an outcome.
fn outcome(result: anytype, good: []const u8) []const u8 {
    if (result) |_| return good else |err| return switch (@as(anyerror, err)) {
        error.Full => "full",
        error.Closed => "closed",
        error.TooLarge => "too-large",
        error.Invalid => "invalid",
        error.Denied => "denied",
        error.Unavailable => "unavailable",
        error.OutOfRange => "out-of-range",
        else => @errorName(err),
    };
}

/// False where there is no such command.
pub fn run(handler: *Handler, connection: socklet.Connection, line: []const u8) anyerror!bool {
    var call: Call = .{ .handler = handler, .connection = connection, .rest = line };
    const name = call.word();
    inline for (@typeInfo(commands).@"struct".decl_names) |known| {
        if (std.mem.eql(u8, name, known)) {
            try @field(commands, known)(&call);
            return true;
        }
    }
    return false;
}

const commands = struct {
    pub fn path(call: *Call) !void {
        call.answer(call.request().path);
    }

    pub fn query(call: *Call) !void {
        call.answerOrNone(call.request().query_string);
    }

    pub fn header(call: *Call) !void {
        var joined: ?[]const u8 = null;
        var values = call.request().headerValues(call.rest);
        while (values.next()) |value| {
            joined = if (joined) |before| try std.mem.join(socklet.arena, "|", &.{ before, value }) else value;
        }
        call.answerOrNone(joined);
    }

    pub fn cookie(call: *Call) !void {
        call.answerOrNone(call.request().cookie(call.rest));
    }

    pub fn parameter(call: *Call) !void {
        call.answerOrNone(try call.request().query(call.rest));
    }

    pub fn address(call: *Call) !void {
        call.answer(call.request().remote_address);
    }

    pub fn subprotocol(call: *Call) !void {
        call.answerOrNone(call.request().subprotocol);
    }

    pub fn capture(call: *Call) !void {
        call.answerOrNone(call.connection.param(call.rest));
    }

    pub fn claims(call: *Call) !void {
        call.answerOrNone(call.connection.claims());
    }

    pub fn attachment(call: *Call) !void {
        call.answerOrNone(call.connection.attachment());
    }

    pub fn id(call: *Call) !void {
        call.connection.print("{d}", .{call.connection.id()});
    }

    pub fn count(call: *Call) !void {
        call.connection.print("{d}", .{call.handler.messages});
    }

    pub fn write(call: *Call) !void {
        const times, const size = .{ try call.number(), try call.number() };
        for (0..times) |i| call.connection.writeBinary(try call.bytes(size, @truncate(i)));
        call.answer("written");
    }

    pub fn buffered(call: *Call) !void {
        const before = call.connection.bufferedAmount();
        call.connection.writeBinary(try call.bytes(1000, 0));
        call.connection.print("buffered {d} {d}", .{ before, call.connection.bufferedAmount() });
    }

    pub fn @"too-large"(call: *Call) !void {
        const bytes = try call.bytes((1 << 20) + 1, 0);
        call.answer(outcome(call.connection.tryWrite(.{ .binary = bytes }), "queued"));
    }

    pub fn stranger(call: *Call) !void {
        const nobody: socklet.Connection = .nobody;
        const written = outcome(nobody.tryWrite(.{ .text = "hello?" }), "queued");
        const closed = outcome(nobody.tryClose(1000, ""), "closing");
        call.connection.print("write {s} close {s} buffered {d}", .{ written, closed, nobody.bufferedAmount() });
    }

    pub fn close(call: *Call) !void {
        const code = if (call.rest.len == 0) 1000 else try call.number();
        call.connection.tryClose(@intCast(code), call.rest) catch |err| {
            call.connection.print("close {s}", .{outcome(@as(anyerror!void, err), "")});
        };
    }

    pub fn @"after-close"(call: *Call) !void {
        call.connection.close(1000, "");
        const written = outcome(call.connection.tryWrite(.{ .text = "late" }), "queued");
        const closed = outcome(call.connection.tryClose(1000, ""), "closing");
        std.log.info("after close write={s} close={s}", .{ written, closed });
    }

    pub fn log(call: *Call) !void {
        const level = std.meta.stringToEnum(socklet.Level, call.word()) orelse .info;
        socklet.log(level, call.rest);
        call.answer("logged");
    }

    pub fn print(call: *Call) !void {
        std.debug.print("{s}\n", .{call.rest});
        call.answer("printed");
    }

    pub fn fail(call: *Call) !void {
        @panic(call.rest);
    }

    pub fn subscribe(call: *Call) !void {
        call.answer(outcome(socklet.topics.subscribe(call.connection, call.rest), "subscribed"));
    }

    pub fn unsubscribe(call: *Call) !void {
        const was = socklet.topics.unsubscribe(call.connection, call.rest);
        call.answer(if (was) "unsubscribed" else "not-subscribed");
    }

    pub fn publish(call: *Call) !void {
        const topic = call.word();
        call.answer(outcome(socklet.topics.publish(topic, .{ .text = call.rest }, .nobody), "published"));
    }

    pub fn @"publish-others"(call: *Call) !void {
        const topic = call.word();
        call.answer(outcome(socklet.topics.publish(topic, .{ .text = call.rest }, call.connection), "published"));
    }

    pub fn subscribers(call: *Call) !void {
        call.connection.print("{d}", .{socklet.topics.subscriberCount(call.rest)});
    }

    pub fn after(call: *Call) !void {
        try remind(call, socklet.timers.after, false);
    }

    pub fn every(call: *Call) !void {
        try remind(call, socklet.timers.every, true);
    }

    pub fn cancel(call: *Call) !void {
        const timer = call.handler.last orelse return call.answer("not-set");
        const reminders = &call.handler.reminders;
        for (reminders.items, 0..) |reminder, place| {
            if (reminder.timer != timer) continue;
            socklet.allocator.free(reminders.swapRemove(place).text);
            break;
        }
        call.answer(if (timer.cancel()) "cancelled" else "not-set");
    }

    pub fn fetch(call: *Call) !void {
        const answer = socklet.http.get(call.rest, .{}) catch |err| return call.failed(err);
        const body = answer.text(1 << 20) catch |err| return call.failed(err);
        call.connection.print("{d} {s}", .{ answer.status, body });
    }

    pub fn stream(call: *Call) !void {
        const answer = socklet.http.get(call.rest, .{}) catch |err| return call.failed(err);
        while (answer.chunk() catch |err| return call.failed(err)) |piece| call.answer(piece);
        call.answer("end");
    }

    pub fn environment(call: *Call) !void {
        call.answerOrNone(socklet.env(call.rest));
    }

    pub fn @"refuse-suspend"(call: *Call) !void {
        call.handler.refuses_suspend = true;
        call.answer("refusing");
    }
};

fn remind(
    call: *Call,
    set: fn (socklet.Connection, u64) socklet.timers.TimerError!socklet.Timer,
    repeats: bool,
) !void {
    const result = set(call.connection, try call.milliseconds());
    if (result) |timer| {
        call.handler.last = timer;
        try call.handler.reminders.append(socklet.allocator, .{
            .timer = timer,
            .repeats = repeats,
            .text = try socklet.allocator.dupe(u8, call.rest),
        });
    } else |_| {}
    call.answer(outcome(result, "set"));
}
