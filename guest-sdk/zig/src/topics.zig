//! Publish and subscribe: what is published to a topic reaches every connection that is
//! subscribed to it, in whatever instance, and no handler is called for that.
//!
//! Names have 1 to 256 bytes of UTF-8 and no control characters. `news` is a topic of the
//! handler's own; `shared:news` is one that handlers share, for which the manifest needs grants.
//! Messages are delivered at most once, to who is subscribed when they are published.
const Connection = @import("connection.zig").Connection;
const host = @import("host.zig");
const Message = @import("connection.zig").Message;
const raw = @import("raw.zig");

pub const SubscribeError = error{
    /// The connection is closing or closed.
    Closed,
    /// The name can't be one.
    Invalid,
    /// It is a shared topic that this handler may not subscribe to.
    Denied,
    /// The connection has `max-subscriptions`, or the handler `max-topics`.
    Full,
    /// The broker that connects hosts can't be reached. Try again later.
    Unavailable,
};

pub const PublishError = error{
    /// The message is over `max-message-size` or `max-backpressure` (1 MiB each by default).
    TooLarge,
    /// The name can't be one.
    Invalid,
    /// It is a shared topic that this handler may not publish to.
    Denied,
    /// The handler publishes faster than the host delivers. Try again later, or leave it out.
    Full,
    /// The broker that connects hosts can't be reached. Try again later.
    Unavailable,
};

/// Subscribes a connection to a topic: from now on it gets what is published there, each message
/// once. That ends with the connection.
pub fn subscribe(connection: Connection, topic: []const u8) SubscribeError!void {
    const outcome = host.topics.subscribe(connection.id(), raw.pointer(u8, topic), topic.len);
    return switch (@as(raw.SubscribeOutcome, @fromBackingInt(@intCast(outcome)))) {
        .subscribed => {},
        .closed => error.Closed,
        .invalid => error.Invalid,
        .denied => error.Denied,
        .full => error.Full,
        .unavailable => error.Unavailable,
    };
}

/// Ends a subscription. False where there was none.
pub fn unsubscribe(connection: Connection, topic: []const u8) bool {
    const outcome = host.topics.unsubscribe(connection.id(), raw.pointer(u8, topic), topic.len);
    return outcome == @backingInt(raw.UnsubscribeOutcome.unsubscribed);
}

/// Sends a message to everybody who is subscribed to a topic, but for one connection of this
/// instance. It may wait where the handler publishes faster than the host delivers; never for a
/// slow subscriber.
pub fn publish(topic: []const u8, message: Message, except: Connection) PublishError!void {
    const payload = message.wellFormed();
    const tag: raw.Message.Tag = if (message == .text) .text else .binary;
    const outcome = host.topics.publish(
        raw.pointer(u8, topic),
        topic.len,
        @backingInt(tag),
        raw.pointer(u8, payload),
        payload.len,
        @intFromBool(except != .nobody),
        except.id(),
    );
    return switch (@as(raw.PublishOutcome, @fromBackingInt(@intCast(outcome)))) {
        .published => {},
        .too_large => error.TooLarge,
        .invalid => error.Invalid,
        .denied => error.Denied,
        .full => error.Full,
        .unavailable => error.Unavailable,
    };
}

/// How many connections are subscribed to a topic now, those of other instances among them.
pub fn subscriberCount(topic: []const u8) u64 {
    return host.topics.@"subscriber-count"(raw.pointer(u8, topic), topic.len);
}
