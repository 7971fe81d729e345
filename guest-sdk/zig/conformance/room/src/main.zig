//! The program for connections that share an instance: docs/conformance.md.
const socklet = @import("socklet");
const std = @import("std");

const Connection = socklet.Connection;

/// How many have come to the room.
var messages: u64 = 0;

pub const Handler = struct {
    pub fn onReady(connection: Connection, _: socklet.Request) Handler {
        // Itself is none of them yet.
        connection.print("ready {d}", .{socklet.members().len + 1});
        tellOthers(connection, '+');
        return .{};
    }

    pub fn onMessage(_: *Handler, connection: Connection, message: socklet.Message) !void {
        messages += 1;
        const line = if (message == .text) message.text else "";
        const end = std.mem.findScalar(u8, line, ' ') orelse line.len;
        const command, const rest = .{ line[0..end], line[@min(end + 1, line.len)..] };
        if (std.mem.eql(u8, command, "/members")) {
            connection.print("{d}", .{socklet.members().len});
        } else if (std.mem.eql(u8, command, "/others")) {
            socklet.broadcast(.{ .text = rest }, connection);
        } else if (std.mem.eql(u8, command, "/count")) {
            connection.print("{d}", .{messages});
        } else if (std.mem.eql(u8, command, "/fail")) {
            // A panic would end the room.
            std.log.err("{s}", .{rest});
            return error.AsAsked;
        } else {
            socklet.broadcast(message, .nobody);
        }
    }

    pub fn onClose(_: *Handler, connection: Connection, _: socklet.CloseEvent) void {
        tellOthers(connection, '-');
    }

    pub const schema: u32 = 1;

    pub fn saveShared(writer: *std.Io.Writer) !void {
        try writer.writeInt(u64, messages, .little);
    }

    pub fn restoreShared(_: u32, saved: []const u8) !void {
        var reader: std.Io.Reader = .fixed(saved);
        messages = try reader.takeInt(u64, .little);
    }

    // A member has nothing to remember.

    pub fn save(_: *const Handler, _: *std.Io.Writer) !void {}

    pub fn restore(_: Connection, _: u32, _: []const u8) !Handler {
        return .{};
    }
};

fn tellOthers(connection: Connection, sign: u8) void {
    const line = std.fmt.allocPrint(socklet.arena, "{c}{d}", .{ sign, connection.id() }) catch @panic("no memory");
    socklet.broadcast(.{ .text = line }, connection);
}
