//! What can go wrong with a request.
const std = @import("std");

const memory = @import("../memory.zig");

pub const Error = error{
    /// The URL is not one of http or https, or its host or port can't be meant.
    InvalidUrl,
    /// The method is none.
    InvalidMethod,
    /// A header can't be sent: its name or its value has bytes that it may not have, it is one that
    /// the host sets itself (`host`, `connection`, `transfer-encoding` and the like), or there are
    /// too many.
    InvalidHeader,
    /// The host is not one of the manifest's `allowed-hosts`. The server's log says what to add.
    Denied,
    /// The host's name is that of a private address, which `allowed-hosts` does not name.
    PrivateAddress,
    /// The instance, or the handler, has as many requests under way as it may have.
    TooManyRequests,
    /// The request or the answer is longer than it may be: for the host, or for who reads it.
    TooLarge,
    /// The other end took too long.
    Timeout,
    /// The host's name can't be resolved.
    UnknownHost,
    /// The other end can't be reached, or the connection broke off.
    ConnectionFailed,
    /// The other end can't prove who it is, or does not speak TLS.
    TlsFailed,
    /// The other end does not speak HTTP/1.1, or something else went wrong.
    RequestFailed,
    /// The answer is no UTF-8.
    NotText,
    OutOfMemory,
};

/// What is known beyond the name of the error that came last.
var detail: []const u8 = "";

/// Has `why` say this as well.
pub fn fail(err: Error, more: []const u8) Error {
    detail = memory.arena.dupe(u8, more) catch "";
    return err;
}

/// A line that says what went wrong, for a log. Ask before the next request is sent: it has what is
/// known of the last error. It is there until the event ends.
pub fn why(err: Error) []const u8 {
    return switch (err) {
        error.InvalidUrl => "it is not a URL of http or https",
        error.InvalidMethod => "it is not a method",
        error.InvalidHeader => with("a header can't be sent"),
        error.Denied => with("the host is not among allowed-hosts"),
        error.PrivateAddress => "the host is at a private address that is not among allowed-hosts",
        error.TooManyRequests => "too many requests are under way: see max-http-requests",
        error.TooLarge => with("the request or the answer is too large"),
        error.Timeout => "the other end took too long",
        error.UnknownHost => with("the host's name can't be resolved"),
        error.ConnectionFailed => with("no connection"),
        error.TlsFailed => with("no TLS"),
        error.RequestFailed => with("the request failed"),
        error.NotText => "the answer is not UTF-8",
        error.OutOfMemory => "no memory for it",
    };
}

fn with(what: []const u8) []const u8 {
    if (detail.len == 0) return what;
    return std.mem.concat(memory.arena, u8, &.{ what, ": ", detail }) catch what;
}

/// For the next request, and the end of an event, with which a detail goes.
pub fn forget() void {
    detail = "";
}
