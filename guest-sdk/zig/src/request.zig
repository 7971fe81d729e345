//! What events carry beside messages.
const std = @import("std");

const memory = @import("memory.zig");
const raw = @import("raw.zig");

/// One header field of a request: its name in lower case, its value as it was sent.
pub const Header = struct {
    name: []const u8,
    value: []const u8,
};

/// What the peer asked for in the handshake. It is there until the event ends: `dupe` makes
/// one that stays.
pub const Request = struct {
    /// Percent-decoded once, without the query. It begins with `/` and holds no dot segments.
    path: []const u8 = "",
    /// What followed the first `?`, not decoded, without the `?`.
    query_string: ?[]const u8 = null,
    /// A name that was sent more than once is there once for each time, in the order of the
    /// request within that name.
    headers: []const Header = &.{},
    /// `address:port`, IPv6 addresses in brackets; `unix` for a peer on a Unix socket.
    remote_address: []const u8 = "",
    /// The one that the host agreed to.
    subprotocol: ?[]const u8 = null,

    /// The first value of a header field, the name in any case.
    pub fn header(self: Request, name: []const u8) ?[]const u8 {
        var values = self.headerValues(name);
        return values.next();
    }

    /// Every value of a header field, in the order of the request.
    pub fn headerValues(self: Request, name: []const u8) HeaderValues {
        return .{ .rest = self.headers, .name = name };
    }

    pub const HeaderValues = struct {
        rest: []const Header,
        name: []const u8,

        pub fn next(self: *HeaderValues) ?[]const u8 {
            while (self.rest.len > 0) {
                const field = self.rest[0];
                self.rest = self.rest[1..];
                if (std.ascii.eqlIgnoreCase(field.name, self.name)) return field.value;
            }
            return null;
        }
    };

    /// The first cookie of that name as it was sent: nothing is decoded, and quotes are kept.
    pub fn cookie(self: Request, name: []const u8) ?[]const u8 {
        // HTTP/2 lets a peer send a field for each cookie.
        var fields = self.headerValues("cookie");
        while (fields.next()) |field| {
            var pairs = std.mem.splitScalar(u8, field, ';');
            while (pairs.next()) |pair| {
                const equals = std.mem.findScalar(u8, pair, '=') orelse continue;
                if (std.mem.eql(u8, trim(pair[0..equals]), name)) return trim(pair[equals + 1 ..]);
            }
        }
        return null;
    }

    /// The first value of that name in the query, decoded as forms write it: `+` for a space,
    /// the rest percent-encoded. A name without `=` has an empty value. It is decoded to bytes,
    /// which need not be UTF-8, and is there until the event ends.
    pub fn query(self: Request, name: []const u8) error{OutOfMemory}!?[]const u8 {
        var pairs = std.mem.splitScalar(u8, self.query_string orelse return null, '&');
        while (pairs.next()) |pair| {
            if (pair.len == 0) continue;
            const equals = std.mem.findScalar(u8, pair, '=') orelse pair.len;
            if (!std.mem.eql(u8, try decode(pair[0..equals]), name)) continue;
            return try decode(pair[@min(equals + 1, pair.len)..]);
        }
        return null;
    }

    /// A copy that stays until `deinit`.
    pub fn dupe(self: Request, gpa: std.mem.Allocator) error{OutOfMemory}!Owned {
        var owned: Owned = .{ .arena = .init(gpa), .request = .{} };
        errdefer owned.arena.deinit();
        const allocator = owned.arena.allocator();
        const headers = try allocator.alloc(Header, self.headers.len);
        for (self.headers, headers) |field, *copy| {
            copy.* = .{
                .name = try allocator.dupe(u8, field.name),
                .value = try allocator.dupe(u8, field.value),
            };
        }
        owned.request = .{
            .path = try allocator.dupe(u8, self.path),
            .query_string = if (self.query_string) |text| try allocator.dupe(u8, text) else null,
            .headers = headers,
            .remote_address = try allocator.dupe(u8, self.remote_address),
            .subprotocol = if (self.subprotocol) |text| try allocator.dupe(u8, text) else null,
        };
        return owned;
    }

    pub const Owned = struct {
        arena: std.heap.ArenaAllocator,
        request: Request,

        pub fn deinit(self: Owned) void {
            var arena = self.arena;
            arena.deinit();
        }
    };
};

fn trim(text: []const u8) []const u8 {
    return std.mem.trim(u8, text, " \t\r\n");
}

fn decode(encoded: []const u8) error{OutOfMemory}![]const u8 {
    if (std.mem.findAny(u8, encoded, "%+") == null) return encoded;
    const decoded = try memory.arena.alloc(u8, encoded.len);
    var length: usize = 0;
    var at: usize = 0;
    while (at < encoded.len) : (at += 1) {
        decoded[length] = switch (encoded[at]) {
            '+' => ' ',
            // One that begins no escape stands for itself.
            '%' => escaped(encoded[at + 1 ..]) orelse '%',
            else => |byte| byte,
        };
        if (encoded[at] == '%' and escaped(encoded[at + 1 ..]) != null) at += 2;
        length += 1;
    }
    return decoded[0..length];
}

fn escaped(rest: []const u8) ?u8 {
    if (rest.len < 2) return null;
    const high = std.fmt.charToDigit(rest[0], 16) catch return null;
    const low = std.fmt.charToDigit(rest[1], 16) catch return null;
    return high << 4 | low;
}

/// How a connection ended; its texts are there until the event ends.
pub const CloseEvent = struct {
    origin: Origin,
    /// 1005 where the peer's frame had none, 1006 where there was no close frame.
    code: u16,
    /// Of the close frame of the side that `origin` names.
    reason: []const u8,
    /// One lower-case word that says more, such as `pong-timeout`, or nothing. The list grows:
    /// treat a word that you don't know like none.
    detail: []const u8,

    /// Who ended it.
    pub const Origin = raw.CloseOrigin;
};
