//! The connections of this instance, and the handler's value for each.
const std = @import("std");

const Connection = @import("connection.zig").Connection;
const memory = @import("memory.zig");

// Both in the order of the ids: few instances have many, and a map would be larger.
var ids: std.ArrayList(Connection) = .empty;
var handlers: std.ArrayList(*anyopaque) = .empty;

/// The connections of this instance, in the order of their ids: one, or with the scopes `path`
/// and `handler` all that share it. A connection is among them from the end of its `onReady` to
/// the beginning of its `onClose`. The slice is good until then.
pub fn connections() []const Connection {
    return ids.items;
}

fn order(id: u64, other: Connection) std.math.Order {
    return std.math.order(id, other.id());
}

fn placeOf(connection: Connection) usize {
    return std.sort.lowerBound(Connection, ids.items, connection.id(), order);
}

pub fn add(connection: Connection, handler: *anyopaque) error{OutOfMemory}!void {
    const place = placeOf(connection);
    try handlers.ensureUnusedCapacity(memory.allocator, 1);
    try ids.insert(memory.allocator, place, connection);
    handlers.insertAssumeCapacity(place, handler);
}

pub fn get(connection: Connection) ?*anyopaque {
    const place = placeOf(connection);
    if (place == ids.items.len or ids.items[place] != connection) return null;
    return handlers.items[place];
}

pub fn remove(connection: Connection) ?*anyopaque {
    const place = placeOf(connection);
    if (place == ids.items.len or ids.items[place] != connection) return null;
    _ = ids.orderedRemove(place);
    const handler = handlers.orderedRemove(place);
    if (ids.items.len == 0) {
        ids.clearAndFree(memory.allocator);
        handlers.clearAndFree(memory.allocator);
    }
    return handler;
}
