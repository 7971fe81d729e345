//! What the canonical ABI is made of, as it lies in memory.

/// A string or a list of bytes.
pub const Slice = List(u8);

pub fn List(comptime T: type) type {
    return extern struct {
        ptr: [*]const T,
        len: usize,

        /// As a slice of Zig's.
        pub fn get(self: @This()) []const T {
            return self.ptr[0..self.len];
        }

        /// Of one of Zig's.
        pub fn of(slice: []const T) @This() {
            return .{ .ptr = pointer(T, slice), .len = slice.len };
        }
    };
}

/// Where a slice is. An empty one may be anywhere, and the host takes none that is outside of
/// the memory.
pub fn pointer(comptime T: type, slice: []const T) [*]const T {
    return if (slice.len == 0) @ptrCast(&nothing) else slice.ptr;
}

var nothing: u64 = 0;

pub fn Option(comptime T: type) type {
    return extern struct { some: bool, value: T };
}

pub fn Tuple2(comptime A: type, comptime B: type) type {
    return extern struct { f0: A, f1: B };
}

pub fn Result(comptime T: type, comptime E: type) type {
    return extern struct { is_error: bool, value: extern union { ok: T, err: E } };
}

/// In the place of no value.
pub const Nothing = extern struct {};
