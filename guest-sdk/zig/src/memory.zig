//! Whose memory is whose.
const std = @import("std");
const builtin = @import("builtin");

/// For what outlives an event.
pub const allocator: std.mem.Allocator = if (builtin.is_test)
    std.testing.allocator
else if (builtin.target.cpu.arch.isWasm())
    std.heap.wasm_allocator
else
    std.heap.page_allocator;

var event: std.heap.ArenaAllocator = .init(allocator);

/// For what an event needs: it is freed when that has returned.
pub const arena: std.mem.Allocator = .{ .ptr = &event, .vtable = event_vtable };

const event_vtable = vtable: {
    var any: std.heap.ArenaAllocator = undefined;
    break :vtable any.allocator().vtable;
};

/// Most messages are smaller, so most events allocate nothing.
const kept = 64 * 1024;

pub fn endEvent() void {
    _ = event.reset(if (builtin.is_test) .free_all else .{ .retain_with_limit = kept });
}

/// Where the host puts what it hands over. The arena's memory is not told from one event to
/// the next, so this gives the host what will be freed with the event.
pub fn realloc(old: ?[*]u8, old_size: usize, alignment: usize, size: usize) callconv(.c) ?[*]u8 {
    if (size == 0) return @ptrFromInt(alignment);
    const log2: std.mem.Alignment = .fromByteUnits(alignment);
    const memory = arena.rawAlloc(size, log2, @returnAddress()) orelse @trap();
    if (old) |bytes| @memcpy(memory[0..@min(size, old_size)], bytes[0..@min(size, old_size)]);
    return memory;
}

/// Text as the host takes it, which ends an instance that gives it anything but UTF-8: with U+FFFD
/// for what is none, in memory of the event.
pub fn wellFormed(text: []const u8) []const u8 {
    if (isAscii(text) or std.unicode.utf8ValidateSlice(text)) return text;
    return std.fmt.allocPrint(arena, "{f}", .{std.unicode.fmtUtf8(text)}) catch @panic("no memory for a text");
}

/// Most text is, and eight bytes at a time are quickly seen to be.
fn isAscii(text: []const u8) bool {
    var rest = text;
    while (rest.len >= 8) : (rest = rest[8..]) {
        if (std.mem.readInt(u64, rest[0..8], .little) & 0x8080_8080_8080_8080 != 0) return false;
    }
    for (rest) |byte| if (byte >= 0x80) return false;
    return true;
}
