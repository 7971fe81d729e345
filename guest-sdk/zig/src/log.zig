//! The host's log, where each line is marked with the handler and its connection.
const std = @import("std");

const host = @import("host.zig");
const memory = @import("memory.zig");
const raw = @import("raw.zig");

pub const Level = raw.Level;

/// Logs a line. Which levels are kept is set on the host. A line over 8 KiB is cut. What is no
/// UTF-8 in it is logged as U+FFFD.
pub fn log(level: Level, line: []const u8) void {
    const text = memory.wellFormed(line);
    host.log.log(@backingInt(level), raw.pointer(u8, text), text.len);
}

/// For a component's root: `std.log` goes to the host's log, all levels of it.
pub const std_options: std.Options = .{ .log_level = .debug, .logFn = logFn };

fn logFn(
    comptime level: std.log.Level,
    comptime scope: @EnumLiteral(),
    comptime format: []const u8,
    args: anytype,
) void {
    const prefix = if (scope == .default) "" else "(" ++ @tagName(scope) ++ ") ";
    write(switch (level) {
        .err => .@"error",
        .warn => .warn,
        .info => .info,
        .debug => .debug,
    }, prefix ++ format, args);
}

/// As many bytes as the host takes of a line.
var buffer: [8 * 1024]u8 = undefined;

pub fn write(level: Level, comptime format: []const u8, args: anytype) void {
    var writer: std.Io.Writer = .fixed(&buffer);
    // What does not fit is left out, but not half of a character.
    writer.print(format, args) catch while (writer.end > 0 and !endsWhole(writer.buffered())) {
        writer.end -= 1;
    };
    log(level, writer.buffered());
}

fn endsWhole(text: []const u8) bool {
    var start = text.len - 1;
    while (start > 0 and text[start] & 0xC0 == 0x80) start -= 1;
    const length = std.unicode.utf8ByteSequenceLength(text[start]) catch return false;
    return start + length == text.len;
}

/// For a component's root: a panic is logged, and ends the instance.
pub const panic = std.debug.FullPanic(struct {
    fn call(message: []const u8, _: ?usize) noreturn {
        @branchHint(.cold);
        log(.@"error", message);
        @trap();
    }
}.call);
