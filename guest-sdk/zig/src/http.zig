//! Requests to HTTP servers elsewhere.
//!
//!     const story = try socklet.http.get("https://api.example.com/story", .{
//!         .headers = &.{.{ .name = "accept", .value = "text/plain" }},
//!     });
//!     while (try story.chunk()) |piece| connection.writeBinary(piece);
//!
//! The manifest names the hosts, and nothing else is reached:
//!
//!     [capabilities]
//!     allowed-hosts = ["api.example.com"]
//!
//! A call returns when it has what it is for; meanwhile the host sends what was written before
//! it, and answers pings. The instance is at that event until it ends: a slow server holds up one
//! connection, in a room all of them. A time is bounded by the manifest's `http-timeout` (20 s for
//! each sign of life), `http-total-time` (5 min in all) and `event-wall-time` (30 s for each wait),
//! the sizes by `max-http-request-size` (1 MiB) and `max-http-response-size` (8 MiB).
//!
//! Redirects are not followed: their status is 3xx, and `location` says where to. Nothing is
//! decompressed, and no connection is kept for a next request.
const std = @import("std");

const errors = @import("http/errors.zig");
const Header = @import("request.zig").Header;
const host = @import("host.zig");
const Url = @import("http/url.zig").Url;

pub const Error = errors.Error;
pub const Response = @import("http/response.zig").Response;
pub const why = errors.why;

/// What a request may have beside its body.
pub const Options = struct {
    /// Those that say how a message is sent (`host`, `connection`, `content-length` and the like)
    /// are set by themselves.
    headers: []const Header = &.{},
    /// How long the other end may take to be connected with, to begin its answer, and between two
    /// pieces of it. It is `http-timeout` at most, which it is where this is null.
    timeout_milliseconds: ?u64 = null,
};

/// Sends a GET, as `request` does.
pub fn get(url: []const u8, options: Options) Error!*Response {
    return request("GET", url, "", options);
}

/// Sends a POST, as `request` does.
pub fn post(url: []const u8, body: []const u8, options: Options) Error!*Response {
    return request("POST", url, body, options);
}

/// Sends a request of any method but CONNECT, and waits for the head of the answer, whatever its
/// status. The answer is there until the event ends, and is closed then.
pub fn request(method: []const u8, url: []const u8, body: []const u8, options: Options) Error!*Response {
    Response.watch();
    errors.forget();
    return .init(try host.http.send(.{
        .method = method,
        .url = try .parse(url),
        .headers = options.headers,
        .body = body,
        .timeout_milliseconds = options.timeout_milliseconds,
    }));
}

/// A request as it is handed to the host.
pub const Outgoing = struct {
    method: []const u8,
    url: Url,
    headers: []const Header,
    body: []const u8,
    timeout_milliseconds: ?u64,

    /// For `content-length`. An empty body is said to be empty where one is expected, or servers ask
    /// for it by 411; elsewhere nothing is said.
    pub fn length(self: Outgoing) ?usize {
        if (self.body.len > 0) return self.body.len;
        for ([_][]const u8{ "POST", "PUT", "PATCH" }) |method| {
            if (std.mem.eql(u8, self.method, method)) return 0;
        }
        return null;
    }
};
