//! A request by WASI, from what it is made of to the head of its answer, and then its body.
const std = @import("std");

const errors = @import("errors.zig");
const Error = errors.Error;
const fail = errors.fail;
const Header = @import("../request.zig").Header;
const memory = @import("../memory.zig");
const Outgoing = @import("../http.zig").Outgoing;
const raw = @import("../raw.zig");
const Response = @import("response.zig").Response;
const wasi = @import("../wasi.zig");

const pointer = raw.pointer;

pub fn send(request: Outgoing) Error!Response.Head {
    const outgoing = try prepare(request);
    var writes: raw.Result(wasi.OutgoingBody, raw.Nothing) = undefined;
    if (request.body.len > 0) {
        outgoing.body(&writes);
        if (writes.is_error) {
            outgoing.drop();
            return fail(error.InvalidHeader, "content-length");
        }
    }
    const options = timeouts(request.timeout_milliseconds);
    var handled: raw.Result(wasi.FutureIncomingResponse, wasi.ErrorCode) = undefined;
    wasi.handle(outgoing, @intFromBool(options != null), options orelse @fromBackingInt(0), &handled);
    if (handled.is_error) {
        if (request.body.len > 0) writes.value.ok.drop();
        return of(handled.value.err);
    }
    const pending = handled.value.ok;
    defer pending.drop();
    // Where this fails, the answer says why.
    if (request.body.len > 0) writeBody(writes.value.ok, request.body);
    wait(pending.subscribe());
    var got: raw.Option(raw.Result(raw.Result(wasi.IncomingResponse, wasi.ErrorCode), raw.Nothing)) = undefined;
    pending.get(&got);
    if (!got.some or got.value.is_error) return fail(error.RequestFailed, "the answer is not there");
    const answer = got.value.value.ok;
    if (answer.is_error) return of(answer.value.err);
    return head(answer.value.ok);
}

/// The request, without its body.
fn prepare(request: Outgoing) Error!wasi.OutgoingRequest {
    const fields: wasi.Fields = .new();
    {
        errdefer fields.drop();
        for (request.headers) |field| try append(fields, field);
        if (request.length()) |length| {
            var digits: [20]u8 = undefined;
            const value = std.fmt.bufPrint(&digits, "{d}", .{length}) catch unreachable;
            try append(fields, .{ .name = "content-length", .value = value });
        }
    }
    const outgoing: wasi.OutgoingRequest = .new(fields);
    errdefer outgoing.drop();
    const url = request.url;
    const scheme: wasi.Scheme.Tag = if (url.secure) .https else .http;
    const slash = if (std.mem.startsWith(u8, url.target, "/")) "" else "/";
    const target = try std.mem.concat(memory.arena, u8, &.{ slash, url.target });
    if (outgoing.set_scheme(1, @backingInt(scheme), pointer(u8, ""), 0) != 0 or
        outgoing.set_authority(1, url.authority.ptr, url.authority.len) != 0 or
        outgoing.set_path_with_query(1, target.ptr, target.len) != 0) return error.InvalidUrl;
    const name = memory.wellFormed(request.method);
    const known = std.StaticStringMap(wasi.Method.Tag).initComptime(.{
        .{ "GET", .get },       .{ "HEAD", .head },       .{ "POST", .post },   .{ "PUT", .put },
        .{ "DELETE", .delete }, .{ "OPTIONS", .options }, .{ "PATCH", .patch },
    });
    const method = known.get(name) orelse .other;
    if (outgoing.set_method(@backingInt(method), pointer(u8, name), name.len) != 0) return error.InvalidMethod;
    return outgoing;
}

fn append(fields: wasi.Fields, field: Header) Error!void {
    const name = memory.wellFormed(field.name);
    var appended: raw.Result(raw.Nothing, wasi.HeaderError) = undefined;
    fields.append(pointer(u8, name), name.len, pointer(u8, field.value), field.value.len, &appended);
    if (appended.is_error) return fail(error.InvalidHeader, name);
}

fn timeouts(milliseconds: ?u64) ?wasi.RequestOptions {
    const nanoseconds = (milliseconds orelse return null) *| std.time.ns_per_ms;
    const options: wasi.RequestOptions = .new();
    // All of them are there; where one is not, the host's own limit holds.
    _ = options.set_connect_timeout(1, nanoseconds);
    _ = options.set_first_byte_timeout(1, nanoseconds);
    _ = options.set_between_bytes_timeout(1, nanoseconds);
    return options;
}

fn writeBody(outgoing: wasi.OutgoingBody, body: []const u8) void {
    var written: raw.Result(wasi.OutputStream, raw.Nothing) = undefined;
    outgoing.write(&written);
    const whole = if (written.is_error) false else whole: {
        const stream = written.value.ok;
        // Before what it is a stream of.
        defer stream.drop();
        break :whole writeAll(stream, body);
    };
    // Dropped unfinished, it is cut off.
    if (!whole) return outgoing.drop();
    var finished: raw.Result(raw.Nothing, wasi.ErrorCode) = undefined;
    outgoing.finish(0, @fromBackingInt(0), &finished);
}

/// False where the stream has failed.
fn writeAll(stream: wasi.OutputStream, body: []const u8) bool {
    var rest = body;
    var done: raw.Result(raw.Nothing, wasi.StreamError) = undefined;
    while (rest.len > 0) {
        var room: raw.Result(u64, wasi.StreamError) = undefined;
        stream.check_write(&room);
        if (room.is_error) return close(room.value.err);
        if (room.value.ok == 0) {
            wait(stream.subscribe());
            continue;
        }
        const size: usize = @intCast(@min(room.value.ok, rest.len));
        stream.write(rest.ptr, size, &done);
        if (done.is_error) return close(done.value.err);
        rest = rest[size..];
    }
    stream.flush(&done);
    return if (done.is_error) close(done.value.err) else true;
}

fn close(failure: wasi.StreamError) bool {
    if (failure.tag == .last_operation_failed) failure.value.last_operation_failed.drop();
    return false;
}

fn wait(pollable: wasi.Pollable) void {
    pollable.block();
    pollable.drop();
}

fn head(response: wasi.IncomingResponse) Error!Response.Head {
    defer response.drop();
    const fields = response.headers();
    defer fields.drop();
    var entries: raw.List(raw.Tuple2(raw.Slice, raw.Slice)) = undefined;
    fields.entries(&entries);
    const headers = try memory.arena.alloc(Header, entries.len);
    for (headers, entries.get()) |*header, entry| {
        header.* = .{ .name = entry.f0.get(), .value = entry.f1.get() };
    }
    return .{ .status = @intCast(response.status()), .headers = headers, .body = Body.of(response) };
}

pub const Body = struct {
    stream: wasi.InputStream,
    body: wasi.IncomingBody,

    fn of(response: wasi.IncomingResponse) ?Body {
        var body: raw.Result(wasi.IncomingBody, raw.Nothing) = undefined;
        response.consume(&body);
        if (body.is_error) return null;
        var stream: raw.Result(wasi.InputStream, raw.Nothing) = undefined;
        body.value.ok.stream(&stream);
        if (!stream.is_error) return .{ .stream = stream.value.ok, .body = body.value.ok };
        body.value.ok.drop();
        return null;
    }

    /// What has come next, in the buffer and not empty; null at the end.
    pub fn read(self: *Body, buffer: []u8) Error!?[]const u8 {
        while (true) {
            var result: raw.Result(raw.Slice, wasi.StreamError) = undefined;
            memory.landing = buffer;
            self.stream.read(buffer.len, &result);
            memory.landing = null;
            if (result.is_error) switch (result.value.err.tag) {
                .closed => return null,
                .last_operation_failed => return broken(result.value.err.value.last_operation_failed),
            };
            const piece = result.value.ok.get();
            if (piece.len > 0) return piece;
            wait(self.stream.subscribe());
        }
    }

    pub fn close(self: Body) void {
        // A stream goes before what it is a stream of.
        self.stream.drop();
        self.body.drop();
    }
};

fn broken(failure: wasi.Error) Error {
    defer failure.drop();
    var code: raw.Option(wasi.ErrorCode) = undefined;
    wasi.@"http-error-code"(failure, &code);
    if (code.some) return of(code.value);
    var text: raw.Slice = undefined;
    failure.to_debug_string(&text);
    return fail(error.RequestFailed, text.get());
}

/// The error that a code stands for.
fn of(code: wasi.ErrorCode) Error {
    return switch (code.tag) {
        .http_request_denied => fail(error.Denied, ""),
        .destination_ip_prohibited => error.PrivateAddress,
        .connection_limit_reached => error.TooManyRequests,
        .http_request_body_size => fail(error.TooLarge, "see max-http-request-size"),
        .http_response_body_size => fail(error.TooLarge, "see max-http-response-size"),
        .connection_timeout, .connection_read_timeout, .connection_write_timeout => error.Timeout,
        .http_response_timeout, .dns_timeout => error.Timeout,
        .dns_error => fail(error.UnknownHost, textOr(code.value.dns_error.rcode, "no such name")),
        .http_request_uri_invalid => error.InvalidUrl,
        .http_request_method_invalid => error.InvalidMethod,
        .connection_refused => fail(error.ConnectionFailed, "refused"),
        .connection_terminated => fail(error.ConnectionFailed, "broken off"),
        .http_response_incomplete => fail(error.ConnectionFailed, "ended early"),
        .destination_ip_unroutable => fail(error.ConnectionFailed, "no route"),
        .destination_unavailable, .destination_not_found => fail(error.ConnectionFailed, "unavailable"),
        .tls_certificate_error => fail(error.TlsFailed, "bad certificate"),
        .tls_protocol_error => fail(error.TlsFailed, "protocol error"),
        .tls_alert_received => fail(error.TlsFailed, textOr(code.value.tls_alert_received.alert_message, "alert")),
        .internal_error => fail(error.RequestFailed, textOr(code.value.internal_error, "internal error")),
        inline else => |tag| fail(error.RequestFailed, comptime words(@tagName(tag))),
    };
}

fn textOr(text: raw.Option(raw.Slice), otherwise: []const u8) []const u8 {
    return if (text.some) text.value.get() else otherwise;
}

fn words(comptime name: []const u8) []const u8 {
    var spaced = name[0..name.len].*;
    for (&spaced) |*byte| if (byte.* == '_') {
        byte.* = ' ';
    };
    const constant = spaced;
    return &constant;
}
