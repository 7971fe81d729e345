//! Upstreams of a test: what they are asked, and what they answer.
const std = @import("std");

const errors = @import("errors.zig");
const Error = errors.Error;
const Header = @import("../request.zig").Header;
const Outgoing = @import("../http.zig").Outgoing;
const Response = @import("response.zig").Response;

// The test's memory is not the handler's, whose leaks are to be found.
const gpa = std.heap.page_allocator;

/// What an upstream answers. It has to stay.
pub const Answer = struct {
    status: u16 = 200,
    /// Names are in lower case.
    headers: []const Header = &.{},
    /// The pieces of the body as they come. One of over 64 KiB comes in several.
    pieces: []const []const u8 = &.{},
    /// What it fails with after its last piece.
    breaks_off: ?Error = null,
};

/// What an upstream was asked.
pub const Asked = struct {
    method: []const u8,
    url: []const u8,
    headers: []const Header,
    body: []const u8,
    timeout_milliseconds: ?u64,
};

var answers: std.StringHashMapUnmanaged(Error!Answer) = .empty;
var requests: std.ArrayList(Asked) = .empty;

/// How many answers are not closed.
pub var open: usize = 0;

pub fn put(url: []const u8, outcome: Error!Answer) void {
    answers.put(gpa, url, outcome) catch noMemory();
}

pub fn next() ?Asked {
    return if (requests.items.len == 0) null else requests.orderedRemove(0);
}

/// In the place of the host's.
pub fn send(request: Outgoing) Error!Response.Head {
    requests.append(gpa, copy(request) catch noMemory()) catch noMemory();
    const outcome = answers.get(request.url.text) orelse
        return errors.fail(error.Denied, "the test answers no requests to it, see testing.answer");
    const answer = try outcome;
    open += 1;
    return .{
        .status = answer.status,
        .headers = answer.headers,
        .body = .{ .pieces = answer.pieces, .breaks_off = answer.breaks_off },
    };
}

fn copy(request: Outgoing) !Asked {
    const headers = try gpa.alloc(Header, request.headers.len);
    for (request.headers, headers) |field, *of| {
        of.* = .{ .name = try gpa.dupe(u8, field.name), .value = try gpa.dupe(u8, field.value) };
    }
    return .{
        .method = try gpa.dupe(u8, request.method),
        .url = try gpa.dupe(u8, request.url.text),
        .headers = headers,
        .body = try gpa.dupe(u8, request.body),
        .timeout_milliseconds = request.timeout_milliseconds,
    };
}

fn noMemory() noreturn {
    @panic("no memory");
}

pub const Body = struct {
    pieces: []const []const u8,
    breaks_off: ?Error,
    /// How much of the first one has been read.
    taken: usize = 0,

    pub fn read(self: *Body, buffer: []u8) Error!?[]const u8 {
        while (self.pieces.len > 0) {
            const rest = self.pieces[0][self.taken..];
            const size = @min(rest.len, buffer.len);
            @memcpy(buffer[0..size], rest[0..size]);
            self.taken += size;
            if (size == rest.len) {
                self.pieces = self.pieces[1..];
                self.taken = 0;
            }
            if (size > 0) return buffer[0..size];
        }
        return if (self.breaks_off) |err| err else null;
    }

    pub fn close(_: Body) void {
        open -= 1;
    }
};
