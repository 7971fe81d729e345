//! The state of all connections, as one.
const std = @import("std");

const Connection = @import("connection.zig").Connection;
const members = @import("members.zig");
const memory = @import("memory.zig");
const raw = @import("raw.zig");
const timers = @import("timers.zig");

var reason: ?[]const u8 = null;

/// Says why there is no state, or why it is not taken up, for the host's log: a `save` or a
/// `restore` returns this. The text has to stay. Any other error is logged by its name.
pub fn failure(why: []const u8) error{Failed} {
    reason = why;
    return error.Failed;
}

// The form: what is shared, the connections with what was saved of each, the timers with their
// owners. A list has its length before it.

/// What an instance with that handler has to remember.
pub fn save(comptime T: type) anyerror![]const u8 {
    var out: std.Io.Writer.Allocating = .init(memory.arena);
    const writer = &out.writer;
    if (@hasDecl(T, "saveShared")) {
        var shared: std.Io.Writer.Allocating = .init(memory.arena);
        try T.saveShared(&shared.writer);
        try writePiece(writer, shared.written());
    } else try writePiece(writer, "");
    const connections = members.connections();
    try writer.writeInt(u64, connections.len, .little);
    for (connections) |connection| {
        const handler: *const T = @ptrCast(@alignCast(members.get(connection).?));
        var saved: std.Io.Writer.Allocating = .init(memory.arena);
        try handler.save(&saved.writer);
        try writer.writeInt(u64, connection.id(), .little);
        try writePiece(writer, saved.written());
    }
    try writer.writeInt(u64, timers.owned.items.len, .little);
    for (timers.owned.items) |entry| {
        try writer.writeInt(u64, @backingInt(entry.timer), .little);
        try writer.writeInt(u64, entry.owner.id(), .little);
        try writer.writeByte(@intFromBool(entry.repeats));
    }
    return out.written();
}

fn writePiece(writer: *std.Io.Writer, piece: []const u8) !void {
    try writer.writeInt(u64, piece.len, .little);
    try writer.writeAll(piece);
}

/// Takes a state up, in a fresh instance.
pub fn restore(comptime T: type, schema: u32, state: []const u8) anyerror!void {
    const oldest: u32 = if (@hasDecl(T, "oldest_schema")) T.oldest_schema else T.schema;
    if (schema < oldest or T.schema < schema) return error.UnknownSchema;
    var rest = state;
    const shared = try takePiece(&rest);
    if (@hasDecl(T, "restoreShared")) try T.restoreShared(schema, shared);
    for (0..try takeCount(&rest)) |_| {
        const connection: Connection = @fromBackingInt(try takeNumber(&rest));
        const saved = try takePiece(&rest);
        const handler = try memory.allocator.create(T);
        errdefer memory.allocator.destroy(handler);
        handler.* = try T.restore(connection, schema, saved);
        try members.add(connection, handler);
    }
    for (0..try takeCount(&rest)) |_| {
        try timers.owned.append(memory.allocator, .{
            .timer = @fromBackingInt(try takeNumber(&rest)),
            .owner = @fromBackingInt(try takeNumber(&rest)),
            .repeats = (try take(&rest, 1))[0] != 0,
        });
    }
}

fn take(rest: *[]const u8, size: u64) ![]const u8 {
    if (size > rest.len) return failure("the state is shorter than it says");
    const taken = rest.*[0..@intCast(size)];
    rest.* = rest.*[@intCast(size)..];
    return taken;
}

fn takeNumber(rest: *[]const u8) !u64 {
    return std.mem.readInt(u64, (try take(rest, 8))[0..8], .little);
}

/// Of entries that have a number each, at least.
fn takeCount(rest: *[]const u8) !usize {
    const count = try takeNumber(rest);
    if (count > rest.len / 8) return failure("the state is shorter than it says");
    return @intCast(count);
}

fn takePiece(rest: *[]const u8) ![]const u8 {
    return take(rest, try takeNumber(rest));
}

const Suspended = raw.Result(raw.Saved, raw.SnapshotError);
const Resumed = raw.Result(raw.Nothing, raw.SnapshotError);
var suspended: Suspended = undefined;
var resumed: Resumed = undefined;

pub fn lowerSuspend(comptime T: type) *const Suspended {
    suspended = if (save(T)) |state|
        .{ .is_error = false, .value = .{ .ok = .{ .schema = T.schema, .state = .of(state) } } }
    else |err|
        .{ .is_error = true, .value = .{ .err = lowerError(err) } };
    return &suspended;
}

pub fn lowerResume(comptime T: type, schema: u32, state: []const u8) *const Resumed {
    resumed = if (restore(T, schema, state))
        .{ .is_error = false, .value = .{ .ok = .{} } }
    else |err|
        .{ .is_error = true, .value = .{ .err = lowerError(err) } };
    return &resumed;
}

fn lowerError(err: anyerror) raw.SnapshotError {
    if (err == error.UnknownSchema) return .{ .tag = .unknown_schema, .value = .{ .unknown_schema = .{} } };
    const why = if (err == error.Failed) reason orelse "it failed" else @errorName(err);
    reason = null;
    return .{ .tag = .failed, .value = .{ .failed = .of(why) } };
}
