//! Requests of handlers, to upstreams that are none.
const std = @import("std");

const Connection = @import("../connection.zig").Connection;
const Answer = @import("../gate.zig").Answer;
const env = @import("../socklet.zig").env;
const errors = @import("errors.zig");
const Exported = @import("../exports.zig").Exported;
const http = @import("../http.zig");
const memory = @import("../memory.zig");
const Message = @import("../connection.zig").Message;
const Request = @import("../request.zig").Request;
const testing = @import("../testing.zig");

const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

/// Says what is at the URL that it is sent, or why nothing is.
const Relay = struct {
    pub fn onMessage(_: *Relay, connection: Connection, message: Message) !void {
        const answer = http.get(message.text, .{}) catch |err| return connection.writeText(http.why(err));
        while (answer.chunk() catch |err| return connection.writeText(http.why(err))) |piece| {
            connection.writeText(piece);
        }
    }
};

test "a handler hands on what comes, piece by piece" {
    const peer = try testing.connect(Relay, "/");
    defer peer.close(1000, "");
    const url = "http://relay.example/";
    testing.answer(url, .{ .pieces = &.{ "one", "", "two" }, .breaks_off = error.Timeout });
    try peer.send(.{ .text = url });
    for ([_][]const u8{ "one", "two", "the other end took too long" }) |text| try peer.expectText(text);
    testing.refuse(url, error.PrivateAddress);
    try peer.send(.{ .text = url });
    try peer.expectText("the host is at a private address that is not among allowed-hosts");
    try peer.send(.{ .text = "ftp://relay.example/" });
    try peer.expectText("it is not a URL of http or https");
    try peer.send(.{ .text = "http://nobody.example/" });
    try expect(std.mem.find(u8, peer.next().?.text, "see testing.answer") != null);
    while (testing.asked()) |_| {}
}

test "what is asked, and what is answered" {
    defer memory.endEvent();
    const url = "https://notes.example/new";
    testing.answer(url, .{
        .status = 201,
        .headers = &.{.{ .name = "location", .value = "/notes/7" }},
        .pieces = &.{ "caf\xc3", "\xa9" },
    });
    const answer = try http.post(url, "a note", .{
        .headers = &.{.{ .name = "content-type", .value = "text/plain" }},
        .timeout_milliseconds = 500,
    });
    try expect(answer.status == 201 and answer.ok());
    try expectEqualStrings("/notes/7", answer.header("Location").?);
    try expectEqual(null, answer.header("etag"));
    try expectEqualStrings("café", try answer.text(5));
    try expectEqual(null, try answer.chunk());
    const asked = testing.asked().?;
    try expectEqualStrings("POST", asked.method);
    try expectEqualStrings(url, asked.url);
    try expectEqualStrings("a note", asked.body);
    try expectEqualStrings("text/plain", asked.headers[0].value);
    try expectEqual(500, asked.timeout_milliseconds);
    try expectEqual(null, testing.asked());
}

test "an answer is not longer than its reader takes, nor other than text" {
    defer memory.endEvent();
    const url = "https://long.example/";
    testing.answer(url, .{ .pieces = &.{ "four", "five!" } });
    try std.testing.expectError(error.TooLarge, (try http.get(url, .{})).bytes(8));
    try expectEqualStrings("the request or the answer is too large: it is longer than its reader takes", http.why(error.TooLarge));
    try expectEqualStrings("fourfive!", try (try http.get(url, .{})).bytes(9));
    testing.answer(url, .{ .pieces = &.{"\xff"} });
    try std.testing.expectError(error.NotText, (try http.get(url, .{})).text(9));
    testing.answer(url, .{ .pieces = &.{&@as([100_000]u8, @splat('x'))} });
    const answer = try http.get(url, .{});
    try expectEqual(65_536, (try answer.chunk()).?.len);
    try expectEqual(34_464, (try answer.chunk()).?.len);
    while (testing.asked()) |_| {}
}

test "lines are whole wherever they were cut" {
    defer memory.endEvent();
    const url = "https://lines.example/";
    testing.answer(url, .{ .pieces = &.{ "on", "e\ntw", "o\r", "\n\nth", "ree" } });
    const answer = try http.get(url, .{});
    for ([_][]const u8{ "one", "two", "", "three" }) |line| {
        try expectEqualStrings(line, (try answer.line(5)).?);
    }
    try expectEqual(null, try answer.line(5));
    testing.answer(url, .{ .pieces = &.{ "a\nbc", "d\n" } });
    const short = try http.get(url, .{});
    try expectEqualStrings("a", (try short.line(2)).?);
    try std.testing.expectError(error.TooLarge, short.line(2));
    try expectEqual(null, try short.line(2));
    // An end is not of the line, wherever it was cut.
    testing.answer(url, .{ .pieces = &.{ "ab\r\nc", "d\r", "\n", "e\rf\n" } });
    const ends = try http.get(url, .{});
    for ([_][]const u8{ "ab", "cd" }) |line| try expectEqualStrings(line, (try ends.line(2)).?);
    try std.testing.expectError(error.TooLarge, ends.line(2));
    testing.answer(url, .{ .pieces = &.{ "a\nbc", "d\n" } });
    // What `line` has left is the next piece.
    const mixed = try http.get(url, .{});
    _ = try mixed.line(9);
    try expectEqualStrings("bc", (try mixed.chunk()).?);
    while (testing.asked()) |_| {}
}

/// Answers with what it has read, of upstreams that it has not read to their end.
const Gate = struct {
    pub fn onRequest(_: Connection, _: Request) !Answer {
        const unread = try http.get("https://gate.example/", .{});
        const begun = try http.get("https://gate.example/", .{});
        const read = try http.get("https://gate.example/", .{});
        try expectEqual(200, unread.status);
        return .{ .accept = .{ .subprotocol = (try begun.chunk()).?, .attachment = try read.bytes(10) } };
    }

    pub const schema: u32 = 1;

    pub fn save(_: *const Gate, _: *std.Io.Writer) !void {}

    pub fn restore(_: Connection, _: u32, _: []const u8) !Gate {
        return .{};
    }

    pub fn saveShared(writer: *std.Io.Writer) !void {
        try writer.print("{d}", .{(try http.get("https://gate.example/", .{})).status});
    }

    pub fn restoreShared(_: u32, saved: []const u8) !void {
        try expectEqualStrings("200", saved);
        _ = try http.get("https://gate.example/", .{});
    }
};

test "what is not read is closed before an export returns, what has been read is there after it" {
    testing.answer("https://gate.example/", .{ .pieces = &.{ "one", "two" } });
    const exported = Exported(Gate);
    const decided = exported.onRequest(0, "/", 1, 0, "", 0, &.{}, 0, "", 0, 0, "", 0);
    try expectEqual(0, testing.upstreams.open);
    try expectEqualStrings("one", decided.value.ok.subprotocol.value.get());
    try expectEqualStrings("onetwo", decided.value.ok.attachment.value.get());
    exported.freeAnswer(decided);
    const saved = exported.@"suspend"();
    try expectEqual(0, testing.upstreams.open);
    const state = try std.testing.allocator.dupe(u8, saved.value.ok.state.get());
    defer std.testing.allocator.free(state);
    exported.freeSaved(saved);
    const resumed = exported.@"resume"(&.{}, 0, 1, state.ptr, state.len);
    try expect(!resumed.is_error);
    try expectEqual(0, testing.upstreams.open);
    exported.freeResumed(resumed);
    while (testing.asked()) |_| {}
}

test "why something failed is known until the next request, or the end of the event" {
    defer memory.endEvent();
    // As it is while no request has been answered.
    memory.at_end = null;
    const url = "https://failing.example/";
    testing.refuse(url, error.UnknownHost);
    var name = "name".*;
    const err = errors.fail(error.InvalidHeader, &name);
    @memset(&name, '#');
    try expectEqualStrings("a header can't be sent: name", http.why(err));
    try std.testing.expectError(error.UnknownHost, http.get(url, .{}));
    try expectEqualStrings("the host's name can't be resolved", http.why(error.UnknownHost));
    try std.testing.expectError(error.Denied, http.get("https://nobody.example/", .{}));
    try expect(std.mem.find(u8, http.why(error.Denied), "see testing.answer") != null);
    memory.endEvent();
    try expectEqualStrings("the host is not among allowed-hosts", http.why(error.Denied));
    while (testing.asked()) |_| {}
}

test "an empty body is said to be empty where one is expected" {
    inline for (.{
        .{ "POST", "", 0 },   .{ "PUT", "", 0 },       .{ "PATCH", "", 0 },
        .{ "GET", "", null }, .{ "DELETE", "", null }, .{ "GET", "four", 4 },
    }) |case| {
        const request: http.Outgoing = .{
            .method = case[0],
            .url = try .parse("https://a.example"),
            .headers = &.{},
            .body = case[1],
            .timeout_milliseconds = null,
        };
        try expectEqual(@as(?usize, case[2]), request.length());
    }
}

test "a variable is what the test says" {
    try expectEqual(null, env("GREETING"));
    testing.setVariable("GREETING", "Hello!");
    try expectEqualStrings("Hello!", env("GREETING").?);
}
