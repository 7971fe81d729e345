//! An answer: its head, and a body that may still be coming.
const std = @import("std");

const errors = @import("errors.zig");
const Error = errors.Error;
const Header = @import("../request.zig").Header;
const HeaderValues = @import("../request.zig").Request.HeaderValues;
const host = @import("../host.zig");
const memory = @import("../memory.zig");

/// The most that one piece has.
const piece_size = 64 * 1024;

/// An answer whose head has come. It is there until the event ends, and is closed then, if it has not
/// been read to its end.
pub const Response = struct {
    /// From 100 to 599. A 404 is an answer and no error.
    status: u16,
    /// In their order, names in lower case and values as they came.
    headers: []const Header,
    /// Null once it has ended.
    body: ?host.http.Body,
    /// Where a piece is.
    buffer: []u8 = &.{},
    /// What `line` has left of a piece.
    rest: []const u8 = "",
    /// What has come in more than one piece: a line, or all of it.
    held: std.ArrayList(u8) = .empty,
    next: ?*Response = null,

    /// Those of this event.
    var first: ?*Response = null;

    /// What the host answers.
    pub const Head = struct {
        status: u16,
        headers: []const Header,
        body: ?host.http.Body,
    };

    pub fn init(head: Head) Error!*Response {
        const response = memory.arena.create(Response) catch |err| {
            if (head.body) |body| body.close();
            return err;
        };
        response.* = .{ .status = head.status, .headers = head.headers, .body = head.body, .next = first };
        first = response;
        return response;
    }

    /// Has the end of the event see to what its requests have left.
    pub fn watch() void {
        memory.at_return = releaseAll;
        memory.at_end = freeAll;
    }

    /// What has been read stays: what the event answers may be of it.
    fn releaseAll() void {
        var next = first;
        while (next) |response| : (next = response.next) response.release();
    }

    fn freeAll() void {
        while (first) |response| {
            first = response.next;
            memory.allocator.free(response.buffer);
            response.held.deinit(memory.allocator);
        }
        errors.forget();
    }

    fn release(self: *Response) void {
        if (self.body) |*body| body.close();
        self.body = null;
    }

    /// Whether the status is 2xx.
    pub fn ok(self: *const Response) bool {
        return self.status / 100 == 2;
    }

    /// The first value of a header field, the name in any case.
    pub fn header(self: *const Response, name: []const u8) ?[]const u8 {
        var values: HeaderValues = .{ .rest = self.headers, .name = name };
        return values.next();
    }

    /// Waits for the next piece of the body; null at its end. It is never empty, and as long as what
    /// has come by then, up to 64 KiB. It is there until the next call for this answer.
    ///
    /// After an error the body has ended.
    pub fn chunk(self: *Response) Error!?[]const u8 {
        if (self.rest.len > 0) {
            defer self.rest = "";
            return self.rest;
        }
        const body = if (self.body) |*body| body else return null;
        errdefer self.close();
        if (self.buffer.len == 0) self.buffer = try memory.allocator.alloc(u8, piece_size);
        const piece = try body.read(self.buffer);
        if (piece == null) self.close();
        return piece;
    }

    /// Waits for the next line of the body, without its end (`\n` or `\r\n`), as server-sent events
    /// have them; null when there is no more. One of more than so many bytes is `error.TooLarge`. It
    /// is there until the next call for this answer.
    pub fn line(self: *Response, max: usize) Error!?[]const u8 {
        self.held.clearRetainingCapacity();
        while (true) {
            const piece = try self.chunk() orelse {
                return if (self.held.items.len == 0) null else unended(self.held.items);
            };
            const newline = std.mem.findScalar(u8, piece, '\n');
            if (newline) |at| self.rest = piece[at + 1 ..];
            const part = piece[0 .. newline orelse piece.len];
            const whole = if (newline != null and self.held.items.len == 0) part else whole: {
                try self.held.appendSlice(memory.allocator, part);
                break :whole self.held.items;
            };
            const found = unended(whole);
            if (found.len > max) {
                self.close();
                return errors.fail(error.TooLarge, "a line of it is longer than its reader takes");
            }
            if (newline != null) return found;
        }
    }

    fn unended(found: []const u8) []const u8 {
        return if (std.mem.endsWith(u8, found, "\r")) found[0 .. found.len - 1] else found;
    }

    /// Waits for all of the body that is left. More than so many bytes are `error.TooLarge`. It is
    /// there until the event ends.
    pub fn bytes(self: *Response, max: usize) Error![]const u8 {
        self.held.clearRetainingCapacity();
        errdefer self.close();
        // Memory is taken once where it is known how much. Who lies gets no more than there may be.
        const announced = std.fmt.parseInt(usize, self.header("content-length") orelse "0", 10) catch 0;
        try self.held.ensureTotalCapacityPrecise(memory.allocator, @min(announced, max));
        while (try self.chunk()) |piece| {
            if (piece.len > max - self.held.items.len) {
                return errors.fail(error.TooLarge, "it is longer than its reader takes");
            }
            const needed = self.held.items.len + piece.len;
            if (needed > self.held.capacity) {
                // A bit less than a power of two, to which memory is rounded up with a note of its size.
                const room = @max(needed, 2 * self.held.capacity, piece_size - 64);
                try self.held.ensureTotalCapacityPrecise(memory.allocator, @min(room, max));
            }
            self.held.appendSliceAssumeCapacity(piece);
        }
        return self.held.items;
    }

    /// The same, of an answer that is text: `error.NotText` where it is no UTF-8.
    pub fn text(self: *Response, max: usize) Error![]const u8 {
        const all = try self.bytes(max);
        return if (std.unicode.utf8ValidateSlice(all)) all else error.NotText;
    }

    /// Ends it, and its connection with the server: what has not come by now does not come.
    pub fn close(self: *Response) void {
        self.release();
        self.rest = "";
        memory.allocator.free(self.buffer);
        self.buffer = &.{};
    }
};
