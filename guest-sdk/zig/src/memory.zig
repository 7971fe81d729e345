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

/// What of the host's an event has to let go of, and what memory it frees beside the arena, for who
/// has such things.
pub var at_return: ?*const fn () void = null;
pub var at_end: ?*const fn () void = null;

/// Before an export returns: what is called after it, to free its answer, may not call the host.
pub fn letGo() void {
    if (at_return) |close| close();
}

/// For what an export has answered, which lies in memory of its event.
pub fn freeEvent() void {
    if (at_end) |free| free();
    _ = event.reset(if (builtin.is_test) .free_all else .{ .retain_with_limit = kept });
}

pub fn endEvent() void {
    letGo();
    freeEvent();
}

/// Where the next bytes go that the host hands over, if they fit: for who reads much, piece by
/// piece, in an event that may be long.
pub var landing: ?[]u8 = null;

/// Where the host puts what it hands over. The arena's memory is not told from one event to
/// the next, so this gives the host what will be freed with the event.
pub fn realloc(old: ?[*]u8, old_size: usize, alignment: usize, size: usize) callconv(.c) ?[*]u8 {
    if (size == 0) return @ptrFromInt(alignment);
    if (landing) |buffer| {
        landing = null;
        if (size <= buffer.len and alignment == 1) return buffer.ptr;
    }
    const log2: std.mem.Alignment = .fromByteUnits(alignment);
    const memory = arena.rawAlloc(size, log2, @returnAddress()) orelse @trap();
    if (old) |bytes| @memcpy(memory[0..@min(size, old_size)], bytes[0..@min(size, old_size)]);
    return memory;
}

/// The same, for the adapter of preview 1 (it is behind `std.debug.print` and the environment): what
/// it asks for, once, is for as long as the instance lives, and nothing of it may be freed with an
/// event.
pub fn reallocForAdapter(_: ?[*]u8, _: usize, _: usize, size: usize) callconv(.c) ?[*]u8 {
    const pages = @wasmMemoryGrow(0, (size + 0xFFFF) / 0x1_0000);
    return if (pages < 0) @trap() else @ptrFromInt(@as(usize, @intCast(pages)) * 0x1_0000);
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
