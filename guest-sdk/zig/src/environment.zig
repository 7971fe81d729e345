//! The variables that the manifest gives, by preview 1 of WASI, as Zig's own library has them.
const std = @import("std");

const memory = @import("memory.zig");

pub fn get(name: []const u8) ?[]const u8 {
    var count: usize = 0;
    var size: usize = 0;
    if (std.os.wasi.environ_sizes_get(&count, &size) != .SUCCESS) @panic("the variables can't be read");
    if (count == 0) return null;
    const entries = memory.arena.alloc([*:0]u8, count) catch noMemory();
    const texts = memory.arena.alloc(u8, size) catch noMemory();
    if (std.os.wasi.environ_get(entries.ptr, texts.ptr) != .SUCCESS) @panic("the variables can't be read");
    for (entries) |entry| {
        const text = std.mem.span(entry);
        const equals = std.mem.findScalar(u8, text, '=') orelse continue;
        if (std.mem.eql(u8, text[0..equals], name)) return text[equals + 1 ..];
    }
    return null;
}

fn noMemory() noreturn {
    @panic("no memory for the manifest's variables");
}
