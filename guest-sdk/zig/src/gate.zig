//! How a handshake is answered.
const std = @import("std");

const Header = @import("request.zig").Header;
const memory = @import("memory.zig");
const raw = @import("raw.zig");

/// What a gate answers. What breaks the bounds is answered with 500, and the host's log says
/// why. Its texts have to stay when the gate has returned: constants do, what is allocated with
/// `arena`, what the request has, and what of an upstream's answer would be there until the next
/// call for it.
pub const Answer = union(enum) {
    accept: Acceptance,
    reject: Rejection,

    pub const Acceptance = struct {
        /// One that the peer has offered, in place of the one that the host has found in the
        /// handler's own list.
        subprotocol: ?[]const u8 = null,
        /// Fields of the response, at most 32 with 8 KiB in all.
        headers: []const Header = &.{},
        /// What `Connection.attachment` is to answer, at most 64 KiB.
        attachment: ?[]const u8 = null,
    };

    pub const Rejection = struct {
        /// From 400 to 599.
        status: u16,
        headers: []const Header = &.{},
        /// At most 4 KiB of plain text, unless a `content-type` says otherwise.
        body: []const u8 = "",
    };
};

const Result = raw.Result(raw.Acceptance, raw.Rejection);
var result: Result = undefined;

pub fn lower(answer: Answer) *const Result {
    result = switch (answer) {
        .accept => |acceptance| .{ .is_error = false, .value = .{ .ok = .{
            .subprotocol = option(acceptance.subprotocol),
            .headers = fields(acceptance.headers),
            .attachment = option(acceptance.attachment),
        } } },
        .reject => |rejection| .{ .is_error = true, .value = .{ .err = .{
            .status = rejection.status,
            .headers = fields(rejection.headers),
            .body = raw.Slice.of(rejection.body),
        } } },
    };
    return &result;
}

fn option(text: ?[]const u8) raw.Option(raw.Slice) {
    return .{ .some = text != null, .value = raw.Slice.of(text orelse "") };
}

fn fields(headers: []const Header) raw.List(raw.Tuple2(raw.Slice, raw.Slice)) {
    const list = memory.arena.alloc(raw.Tuple2(raw.Slice, raw.Slice), headers.len) catch
        @panic("no memory for the response's header fields");
    for (headers, list) |header, *field| {
        field.* = .{ .f0 = raw.Slice.of(header.name), .f1 = raw.Slice.of(header.value) };
    }
    return .of(list);
}
