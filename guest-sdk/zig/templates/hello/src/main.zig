//! Greets each peer, logs what it says, and logs that it left.
const socklet = @import("socklet");
const std = @import("std");

/// There is one value for each connection: its fields are the connection's state.
pub const Handler = struct {
    /// A connection is open.
    pub fn onReady(connection: socklet.Connection, _: socklet.Request) Handler {
        connection.writeText("Hello!");
        return .{};
    }

    /// The peer sent a message. Its bytes are there until this returns.
    pub fn onMessage(_: *Handler, _: socklet.Connection, message: socklet.Message) void {
        switch (message) {
            .text => |text| std.log.info("{s}", .{text}),
            .binary => |bytes| std.log.info("<{d} bytes>", .{bytes.len}),
        }
    }

    /// The connection has ended.
    pub fn onClose(_: *Handler, _: socklet.Connection, _: socklet.CloseEvent) void {
        std.log.info("Disconnected", .{});
    }
};

test "it greets" {
    const peer = try socklet.testing.connect(Handler, "/{{name}}");
    try peer.expectText("Hello!");
    try peer.send(.{ .text = "Good morning" });
    try std.testing.expect(peer.next() == null);
    peer.close(1000, "");
}
