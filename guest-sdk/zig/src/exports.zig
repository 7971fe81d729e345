//! The events, from the host's calls to the handler's functions.
const std = @import("std");

const Answer = @import("gate.zig").Answer;
const CloseEvent = @import("request.zig").CloseEvent;
const Connection = @import("connection.zig").Connection;
const gate = @import("gate.zig");
const Header = @import("request.zig").Header;
const log = @import("log.zig");
const members = @import("members.zig");
const memory = @import("memory.zig");
const Message = @import("connection.zig").Message;
const raw = @import("raw.zig");
const Request = @import("request.zig").Request;
const snapshot = @import("snapshot.zig");
const timers = @import("timers.zig");
const Timer = @import("timers.zig").Timer;

/// The events of a handler's connections.
pub fn Events(comptime T: type) type {
    return struct {
        pub const hears_alarms = @hasDecl(T, "onAlarm") or @hasDecl(T, "onSharedAlarm");

        pub fn onReady(connection: Connection, request: Request) void {
            const value = if (@hasDecl(T, "onReady"))
                settle(connection, "onReady", T.onReady(connection, request)) orelse return
            else
                T{};
            const handler = memory.allocator.create(T) catch noMemory();
            handler.* = value;
            members.add(connection, handler) catch noMemory();
        }

        pub fn onMessage(connection: Connection, message: Message) void {
            const handler = of(members.get(connection)) orelse return;
            if (@hasDecl(T, "onMessage")) {
                _ = settle(connection, "onMessage", handler.onMessage(connection, message));
            }
        }

        pub fn onClose(connection: Connection, event: CloseEvent) void {
            if (of(members.remove(connection))) |handler| {
                if (@hasDecl(T, "onClose")) {
                    _ = settle(connection, "onClose", handler.onClose(connection, event));
                }
                memory.allocator.destroy(handler);
            }
            // Only here, since who sets no timers must not import them.
            if (hears_alarms) timers.cancelAll(connection);
        }

        pub fn onAlarm(timer: Timer) void {
            const owner = timers.take(timer);
            if (owner == .nobody) {
                if (@hasDecl(T, "onSharedAlarm")) _ = settle(owner, "onSharedAlarm", T.onSharedAlarm(timer));
            } else if (of(members.get(owner))) |handler| {
                if (@hasDecl(T, "onAlarm")) _ = settle(owner, "onAlarm", handler.onAlarm(owner, timer));
            }
        }

        pub fn onRequest(connection: Connection, request: Request) Answer {
            return settle(connection, "onRequest", T.onRequest(connection, request)) orelse
                .{ .reject = .{ .status = 500 } };
        }

        fn of(handler: ?*anyopaque) ?*T {
            return @ptrCast(@alignCast(handler));
        }
    };
}

fn noMemory() noreturn {
    @panic("no memory for another connection");
}

fn Settled(comptime Outcome: type) type {
    return switch (@typeInfo(Outcome)) {
        .error_union => |info| info.payload,
        else => Outcome,
    };
}

/// What an event has come to; none where it is an error, which ends the connection.
fn settle(connection: Connection, comptime event: []const u8, outcome: anytype) ?Settled(@TypeOf(outcome)) {
    if (@typeInfo(@TypeOf(outcome)) != .error_union) return outcome;
    return outcome catch |err| {
        log.write(.@"error", "{s} failed: error.{s}", .{ event, @errorName(err) });
        connection.close(1011, "");
        return null;
    };
}

/// Exports a handler: its events, and of the optional ones those that it has.
pub fn exportHandler(comptime T: type) void {
    for (.{ "onready", "onmessage", "onclose", "onalarm", "onrequest" }) |wrong| {
        if (@hasDecl(T, wrong)) @compileError("there is no event " ++ wrong ++ ": events are written like onMessage");
    }
    const exported = Exported(T);
    @export(&memory.realloc, .{ .name = "cabi_realloc" });
    @export(&memory.reallocForAdapter, .{ .name = "cabi_realloc_adapter" });
    @export(&exported.onReady, .{ .name = raw.Handler.on_ready.name });
    @export(&exported.onMessage, .{ .name = raw.Handler.on_message.name });
    @export(&exported.onClose, .{ .name = raw.Handler.on_close.name });
    if (Events(T).hears_alarms) @export(&exported.onAlarm, .{ .name = raw.Alarm.on_alarm.name });
    if (@hasDecl(T, "onRequest")) {
        @export(&exported.onRequest, .{ .name = raw.Gate.on_request.name });
        @export(&exported.freeAnswer, .{ .name = "cabi_post_" ++ raw.Gate.on_request.name });
    }
    if (@hasDecl(T, "schema")) {
        if (!@hasDecl(T, "save") or !@hasDecl(T, "restore")) {
            @compileError("a handler with a schema has a save and a restore");
        }
        @export(&exported.@"suspend", .{ .name = raw.Snapshot.@"suspend".name });
        @export(&exported.freeSaved, .{ .name = "cabi_post_" ++ raw.Snapshot.@"suspend".name });
        @export(&exported.@"resume", .{ .name = raw.Snapshot.@"resume".name });
        @export(&exported.freeResumed, .{ .name = "cabi_post_" ++ raw.Snapshot.@"resume".name });
    }
}

fn slice(ptr: [*]const u8, len: usize) []const u8 {
    return if (len == 0) "" else ptr[0..len];
}

pub fn Exported(comptime T: type) type {
    return struct {
        fn onReady(
            connection: u64,
            path_ptr: [*]const u8,
            path_len: usize,
            query_some: u32,
            query_ptr: [*]const u8,
            query_len: usize,
            headers_ptr: [*]const raw.Tuple2(raw.Slice, raw.Slice),
            headers_len: usize,
            address_ptr: [*]const u8,
            address_len: usize,
            subprotocol_some: u32,
            subprotocol_ptr: [*]const u8,
            subprotocol_len: usize,
        ) callconv(.c) void {
            Events(T).onReady(@fromBackingInt(connection), .{
                .path = slice(path_ptr, path_len),
                .query_string = if (query_some != 0) slice(query_ptr, query_len) else null,
                .headers = lift(headers_ptr, headers_len),
                .remote_address = slice(address_ptr, address_len),
                .subprotocol = if (subprotocol_some != 0) slice(subprotocol_ptr, subprotocol_len) else null,
            });
            memory.endEvent();
        }

        fn onMessage(connection: u64, tag: u32, ptr: [*]const u8, len: usize) callconv(.c) void {
            const payload = slice(ptr, len);
            const is_text = tag == @backingInt(raw.Message.Tag.text);
            Events(T).onMessage(
                @fromBackingInt(connection),
                if (is_text) .{ .text = payload } else .{ .binary = payload },
            );
            memory.endEvent();
        }

        fn onClose(
            connection: u64,
            origin: u32,
            code: u32,
            reason_ptr: [*]const u8,
            reason_len: usize,
            detail_ptr: [*]const u8,
            detail_len: usize,
        ) callconv(.c) void {
            Events(T).onClose(@fromBackingInt(connection), .{
                .origin = @fromBackingInt(@intCast(origin)),
                .code = @intCast(code),
                .reason = slice(reason_ptr, reason_len),
                .detail = slice(detail_ptr, detail_len),
            });
            memory.endEvent();
        }

        fn onAlarm(timer: u64) callconv(.c) void {
            Events(T).onAlarm(@fromBackingInt(timer));
            memory.endEvent();
        }

        pub fn onRequest(
            connection: u64,
            path_ptr: [*]const u8,
            path_len: usize,
            query_some: u32,
            query_ptr: [*]const u8,
            query_len: usize,
            headers_ptr: [*]const raw.Tuple2(raw.Slice, raw.Slice),
            headers_len: usize,
            address_ptr: [*]const u8,
            address_len: usize,
            subprotocol_some: u32,
            subprotocol_ptr: [*]const u8,
            subprotocol_len: usize,
        ) callconv(.c) *const raw.Result(raw.Acceptance, raw.Rejection) {
            defer memory.letGo();
            return gate.lower(Events(T).onRequest(@fromBackingInt(connection), .{
                .path = slice(path_ptr, path_len),
                .query_string = if (query_some != 0) slice(query_ptr, query_len) else null,
                .headers = lift(headers_ptr, headers_len),
                .remote_address = slice(address_ptr, address_len),
                .subprotocol = if (subprotocol_some != 0) slice(subprotocol_ptr, subprotocol_len) else null,
            }));
        }

        pub fn @"suspend"() callconv(.c) *const raw.Result(raw.Saved, raw.SnapshotError) {
            defer memory.letGo();
            return snapshot.lowerSuspend(T);
        }

        pub fn @"resume"(
            connections_ptr: [*]const u64,
            connections_len: usize,
            schema: u32,
            state_ptr: [*]const u8,
            state_len: usize,
        ) callconv(.c) *const raw.Result(raw.Nothing, raw.SnapshotError) {
            defer memory.letGo();
            _ = connections_ptr;
            _ = connections_len;
            return snapshot.lowerResume(T, schema, slice(state_ptr, state_len));
        }

        // What an export has answered is the host's until it calls these, which may not call it.

        pub fn freeAnswer(_: *const raw.Result(raw.Acceptance, raw.Rejection)) callconv(.c) void {
            memory.freeEvent();
        }

        pub fn freeSaved(_: *const raw.Result(raw.Saved, raw.SnapshotError)) callconv(.c) void {
            memory.freeEvent();
        }

        pub fn freeResumed(_: *const raw.Result(raw.Nothing, raw.SnapshotError)) callconv(.c) void {
            memory.freeEvent();
        }

        comptime {
            std.debug.assert(@TypeOf(onReady) == raw.Handler.on_ready.Function);
            std.debug.assert(@TypeOf(onMessage) == raw.Handler.on_message.Function);
            std.debug.assert(@TypeOf(onClose) == raw.Handler.on_close.Function);
            std.debug.assert(@TypeOf(onAlarm) == raw.Alarm.on_alarm.Function);
            std.debug.assert(@TypeOf(onRequest) == raw.Gate.on_request.Function);
            std.debug.assert(@TypeOf(@"suspend") == raw.Snapshot.@"suspend".Function);
            std.debug.assert(@TypeOf(@"resume") == raw.Snapshot.@"resume".Function);
        }
    };
}

fn lift(ptr: [*]const raw.Tuple2(raw.Slice, raw.Slice), len: usize) []const Header {
    const headers = memory.arena.alloc(Header, len) catch @panic("no memory for a request's header fields");
    for (headers, ptr[0..len]) |*header, field| {
        header.* = .{ .name = field.f0.get(), .value = field.f1.get() };
    }
    return headers;
}
