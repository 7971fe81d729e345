//! What of the SDK needs no host.
const std = @import("std");

const Connection = @import("connection.zig").Connection;
const broadcast = @import("connection.zig").broadcast;
const CloseEvent = @import("request.zig").CloseEvent;
const members = @import("members.zig");
const memory = @import("memory.zig");
const Message = @import("connection.zig").Message;
const Request = @import("request.zig").Request;
const snapshot = @import("snapshot.zig");
const testing = @import("testing.zig");

const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

const Counter = struct {
    messages: u8 = 0,

    pub fn onReady(connection: Connection, request: Request) !Counter {
        if (request.query_string != null) return error.NoQueriesHere;
        connection.writeText("ready");
        return .{};
    }

    pub fn onMessage(self: *Counter, connection: Connection, message: Message) !void {
        self.messages += 1;
        if (message == .binary) return error.NoBinary;
        if (std.mem.eql(u8, message.text, "others")) return broadcast(message, connection);
        if (std.mem.eql(u8, message.text, "large")) return connection.write(.{ .binary = try memory.arena.alloc(u8, (1 << 20) + 1) });
        connection.print("{d}: {s}", .{ self.messages, message.text });
    }

    pub const schema: u32 = 2;
    pub const oldest_schema: u32 = 1;

    pub fn save(self: *const Counter, writer: *std.Io.Writer) !void {
        if (self.messages > 100) return snapshot.failure("too many");
        try writer.writeByte(self.messages);
    }

    pub fn restore(_: Connection, version: u32, saved: []const u8) !Counter {
        return .{ .messages = saved[0] + @as(u8, @intCast(version)) * 10 };
    }
};

fn counterOf(connection: Connection) *Counter {
    return @ptrCast(@alignCast(members.get(connection).?));
}

test "each connection has a value of its own" {
    const a = try testing.connect(Counter, "/a");
    const b = try testing.connect(Counter, "/b");
    defer b.close(1000, "");
    try a.expectText("ready");
    try b.expectText("ready");
    try a.send(.{ .text = "x" });
    try a.send(.{ .text = "y" });
    try b.send(.{ .text = "z" });
    try a.expectText("1: x");
    try a.expectText("2: y");
    try b.expectText("1: z");
    try a.send(.{ .text = "others" });
    try expectEqual(null, a.next());
    try b.expectText("others");
    a.close(4000, "bye");
    try std.testing.expectEqualSlices(Connection, &.{b.connection}, members.connections());
}

test "an error ends one connection" {
    const a = try testing.connect(Counter, "/a");
    const b = try testing.connect(Counter, "/b");
    try a.send(.{ .binary = "" });
    try expectEqualStrings("onMessage failed: error.NoBinary", testing.logged().?);
    try expectEqual(1011, a.code());
    try expectEqual(0, b.code());
    a.close(0, "");
    b.close(1000, "");
}

test "an error of onReady ends it as well" {
    const a = try testing.connect(Counter, "/a?x");
    try expectEqualStrings("onReady failed: error.NoQueriesHere", testing.logged().?);
    try expectEqual(1011, a.code());
    a.close(0, "");
}

test "a message that is too large ends its connection" {
    const a = try testing.connect(Counter, "/a");
    try a.send(.{ .text = "large" });
    try expect(std.mem.find(u8, testing.logged().?, "max-message-size") != null);
    try expectEqual(1011, a.code());
    a.close(0, "");
}

test "a close that is not allowed is refused" {
    const a = try testing.connect(Counter, "/a");
    try std.testing.expectError(error.Invalid, a.connection.tryClose(1005, ""));
    try expect(testing.logged() != null);
    try a.connection.tryClose(1000, "");
    try std.testing.expectError(error.Closed, a.connection.tryClose(1000, ""));
    a.close(0, "");
}

test "a state is taken up" {
    const a = try testing.connect(Counter, "/a");
    try a.send(.{ .text = "x" });
    const saved = try std.testing.allocator.dupe(u8, try snapshot.save(Counter));
    defer std.testing.allocator.free(saved);
    const connection = a.connection;
    a.close(1000, "");
    try snapshot.restore(Counter, 1, saved);
    try expectEqual(11, counterOf(connection).messages);
    counterOf(connection).messages = 101;
    try std.testing.expectError(error.Failed, snapshot.save(Counter));
    std.testing.allocator.destroy(counterOf(connection));
    _ = members.remove(connection);
    memory.endEvent();
}

test "a state that is not known, or torn, is refused" {
    const empty: [24]u8 = @splat(0);
    try snapshot.restore(Counter, 2, &empty);
    try std.testing.expectError(error.UnknownSchema, snapshot.restore(Counter, 0, &empty));
    try std.testing.expectError(error.UnknownSchema, snapshot.restore(Counter, 3, &empty));
    for (0..24) |size| try std.testing.expectError(error.Failed, snapshot.restore(Counter, 2, empty[0..size]));
}

test "what is found in a request" {
    const request: Request = .{
        .query_string = "name=caf%C3%A9+x&b=&name=2&a%20b=1&p=100%&&q=%zz%41&=7",
        .headers = &.{
            .{ .name = "x-id", .value = "1" },
            .{ .name = "cookie", .value = "a=1;b=2=3 ; flag; empty=" },
            .{ .name = "cookie", .value = "c=\"4\"; a=5" },
        },
    };
    defer memory.endEvent();
    try expectEqualStrings("1", request.header("X-Id").?);
    try expectEqual(null, request.header("x"));
    inline for (.{ .{ "name", "café x" }, .{ "b", "" }, .{ "a b", "1" }, .{ "p", "100%" }, .{ "q", "%zzA" }, .{ "", "7" } }) |pair| {
        try expectEqualStrings(pair[1], (try request.query(pair[0])).?);
    }
    try expectEqual(null, try request.query("c"));
    inline for (.{ .{ "a", "1" }, .{ "b", "2=3" }, .{ "c", "\"4\"" }, .{ "empty", "" } }) |pair| {
        try expectEqualStrings(pair[1], request.cookie(pair[0]).?);
    }
    try expectEqual(null, request.cookie("flag"));
    const copy = try request.dupe(std.testing.allocator);
    defer copy.deinit();
    try expectEqualStrings("1", copy.request.header("x-id").?);
}

test {
    _ = @import("http/url.zig");
    _ = @import("http/tests.zig");
}
