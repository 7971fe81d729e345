//! Timers. A handler that sets them has an `onAlarm`, to hear of them: a component that can't is
//! refused by the host when it is loaded.
const std = @import("std");

const Connection = @import("connection.zig").Connection;
const host = @import("host.zig");
const memory = @import("memory.zig");
const raw = @import("raw.zig");

pub const TimerError = error{
    /// The instance has `max-timers` (256 by default) already.
    Full,
    /// The time is shorter than 10 ms or longer than 365 days.
    OutOfRange,
    /// There is nobody whose timer it could be: in a gate, and in the `onClose` of an instance's
    /// only connection.
    Unavailable,
    OutOfMemory,
};

/// The name of a timer. It may be compared and kept, over a swap as well.
pub const Timer = enum(u64) {
    _,

    /// Takes it back: nothing is called for it any more, even if it is due. False where there is
    /// no such timer.
    pub fn cancel(self: Timer) bool {
        forget(self);
        const outcome = host.timers.cancel(@backingInt(self));
        return outcome == @backingInt(raw.CancelOutcome.cancelled);
    }
};

/// Sets a timer that goes off once. It is the owner's, and ends with that connection; that of
/// `.nobody` is the instance's.
pub fn after(owner: Connection, milliseconds: u64) TimerError!Timer {
    return set(owner, milliseconds, false);
}

/// Sets one that goes off again and again. It does not drift, and where it is late by more than
/// its period, it goes off once for all that were missed.
pub fn every(owner: Connection, milliseconds: u64) TimerError!Timer {
    return set(owner, milliseconds, true);
}

fn set(owner: Connection, milliseconds: u64, repeats: bool) TimerError!Timer {
    try owned.ensureUnusedCapacity(memory.allocator, 1);
    var outcome: raw.SetOutcome = undefined;
    host.timers.set(milliseconds, @intFromBool(repeats), milliseconds, &outcome);
    switch (outcome.tag) {
        .set => {},
        .full => return error.Full,
        .out_of_range => return error.OutOfRange,
        .unavailable => return error.Unavailable,
    }
    const timer: Timer = @fromBackingInt(outcome.value.set);
    if (owner != .nobody) owned.appendAssumeCapacity(.{ .timer = timer, .owner = owner, .repeats = repeats });
    return timer;
}

/// A timer, and whose it is.
pub const Owned = struct {
    timer: Timer,
    owner: Connection,
    repeats: bool,
};

pub var owned: std.ArrayList(Owned) = .empty;

/// Whose timer has gone off; unless it repeats it is nobody's from here on.
pub fn take(timer: Timer) Connection {
    for (owned.items, 0..) |entry, place| {
        if (entry.timer != timer) continue;
        if (!entry.repeats) _ = owned.swapRemove(place);
        return entry.owner;
    }
    return .nobody;
}

fn forget(timer: Timer) void {
    for (owned.items, 0..) |entry, place| {
        if (entry.timer == timer) {
            _ = owned.swapRemove(place);
            return;
        }
    }
}

/// Those of a connection that has ended.
pub fn cancelAll(owner: Connection) void {
    var place = owned.items.len;
    while (place > 0) {
        place -= 1;
        if (owned.items[place].owner == owner) _ = owned.items[place].timer.cancel();
    }
    if (owned.items.len == 0) owned.clearAndFree(memory.allocator);
}
