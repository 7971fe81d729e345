//! Sends each message back, text as text and binary as binary.
const socklet = @import("socklet");

pub const Handler = struct {
    pub fn onMessage(_: *Handler, connection: socklet.Connection, message: socklet.Message) void {
        connection.write(message);
    }
};

test "it echoes" {
    const peer = try socklet.testing.connect(Handler, "/{{name}}");
    try peer.send(.{ .text = "Is anybody there?" });
    try peer.expectText("Is anybody there?");
    try peer.send(.{ .binary = "\x00\xff" });
    try peer.expectBinary("\x00\xff");
    peer.close(1000, "");
}
