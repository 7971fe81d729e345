//! A chat: what one says, everyone in the room reads. The README has the format.
const nameOf = @import("name.zig").nameOf;
const socklet = @import("socklet");
const std = @import("std");

/// How many lines a joiner is told.
const kept_lines = 50;
/// In bytes. So all that is kept fits into a joiner's queue, which has 1 MiB.
const longest_text = 4 * 1024;

/// The last lines that were said, oldest first. All connections of a room share the instance,
/// and so its variables.
var lines: std.Deque([]const u8) = .initBuffer(&places);
var places: [kept_lines][]const u8 = undefined;

/// The room has the line from now on, and frees it.
fn keep(line: []const u8) void {
    if (lines.len == kept_lines) socklet.allocator.free(lines.popFront().?);
    lines.pushBackAssumeCapacity(line);
}

/// What the room keeps for each connection.
pub const Handler = struct {
    name: []const u8,

    /// Somebody has come.
    pub fn onReady(connection: socklet.Connection, request: socklet.Request) !Handler {
        var kept = lines.iterator();
        while (kept.next()) |line| connection.writeText(line);
        // Of `?name=Ada`.
        const name = try nameOf(socklet.allocator, try request.query("name") orelse "");
        errdefer socklet.allocator.free(name);
        const joined = try std.fmt.allocPrint(socklet.arena, "* {s} joined", .{name});
        connection.writeText(joined);
        // To the others: this one is a member when this has returned.
        socklet.broadcast(.{ .text = joined }, .nobody);
        return .{ .name = name };
    }

    pub fn onMessage(self: *Handler, connection: socklet.Connection, message: socklet.Message) !void {
        const text = switch (message) {
            .text => |text| text,
            .binary => return connection.close(1003, "text only"),
        };
        if (text.len > longest_text) return connection.print("* a text may have {d} bytes", .{longest_text});
        const line = try std.fmt.allocPrint(socklet.allocator, "{s}: {s}", .{ self.name, text });
        socklet.broadcast(.{ .text = line }, .nobody);
        keep(line);
    }

    /// Somebody has gone, and is no member any more.
    pub fn onClose(self: *Handler, _: socklet.Connection, _: socklet.CloseEvent) !void {
        defer socklet.allocator.free(self.name);
        const left = try std.fmt.allocPrint(socklet.arena, "* {s} left", .{self.name});
        socklet.broadcast(.{ .text = left }, .nobody);
    }

    // When this file has changed and was built, the new version takes the room up as it was, with
    // everyone in it: what these functions save and restore. Count the schema up when the form of
    // what is saved changes.

    pub const schema: u32 = 1;

    /// Each line has its length before it.
    pub fn saveShared(writer: *std.Io.Writer) !void {
        var kept = lines.iterator();
        while (kept.next()) |line| {
            try writer.writeInt(u32, @intCast(line.len), .little);
            try writer.writeAll(line);
        }
    }

    pub fn restoreShared(_: u32, saved: []const u8) !void {
        var reader: std.Io.Reader = .fixed(saved);
        while (reader.bufferedLen() > 0) {
            const length = reader.takeInt(u32, .little) catch return socklet.failure("a line is torn");
            if (length > reader.bufferedLen()) return socklet.failure("a line is torn");
            keep(try socklet.allocator.dupe(u8, try reader.take(length)));
        }
    }

    pub fn save(self: *const Handler, writer: *std.Io.Writer) !void {
        try writer.writeAll(self.name);
    }

    pub fn restore(_: socklet.Connection, _: u32, saved: []const u8) !Handler {
        return .{ .name = try socklet.allocator.dupe(u8, saved) };
    }
};

const connect = socklet.testing.connect;

/// The room of a test ends with it.
fn forget() void {
    while (lines.popFront()) |line| socklet.allocator.free(line);
}

test "what one says, everyone reads" {
    defer forget();
    const ada = try connect(Handler, "/{{name}}/blue?name=Ada");
    const bob = try connect(Handler, "/{{name}}/blue?name=Bob");
    try ada.send(.{ .text = "Hello!" });
    bob.close(1000, "");
    for ([_][]const u8{ "* Ada joined", "* Bob joined", "Ada: Hello!", "* Bob left" }) |line| {
        try ada.expectText(line);
    }
    for ([_][]const u8{ "* Bob joined", "Ada: Hello!" }) |line| try bob.expectText(line);
    try std.testing.expect(ada.next() == null and bob.next() == null);
    ada.close(1000, "");
}

/// Expects a joiner to be told as many lines as are kept, the first of them with that number.
fn expectTold(first: usize) !void {
    const late = try connect(Handler, "/{{name}}/blue");
    defer late.close(1000, "");
    for (first..first + kept_lines) |number| {
        var buffer: [64]u8 = undefined;
        try late.expectText(try std.fmt.bufPrint(&buffer, "Ada: line {d}", .{number}));
    }
    try late.expectText("* guest joined");
}

test "who joins later is told the last lines, in a new version too" {
    defer forget();
    const ada = try connect(Handler, "/{{name}}/blue?name=Ada");
    defer ada.close(1000, "");
    for (1..kept_lines + 3) |number| {
        var buffer: [64]u8 = undefined;
        try ada.send(.{ .text = try std.fmt.bufPrint(&buffer, "line {d}", .{number}) });
    }
    try expectTold(3);

    // The host asks an old version, and gives the new one what that has saved.
    var saved: std.Io.Writer.Allocating = .init(std.testing.allocator);
    defer saved.deinit();
    try Handler.saveShared(&saved.writer);
    forget();
    try Handler.restoreShared(Handler.schema, saved.written());
    try expectTold(3);
    const torn = saved.written()[0 .. saved.written().len - 1];
    try std.testing.expectError(error.Failed, Handler.restoreShared(Handler.schema, torn));
}

test "it is for short texts" {
    const ada = try connect(Handler, "/{{name}}/blue?name=Ada");
    try ada.expectText("* Ada joined");
    try ada.send(.{ .text = &@as([longest_text + 1]u8, @splat('x')) });
    try ada.expectText("* a text may have 4096 bytes");
    try ada.send(.{ .binary = "\x00\x01\x02" });
    try std.testing.expectEqual(1003, ada.code());
    ada.close(1000, "");
}

test {
    _ = @import("name.zig");
}
