//! The host: that of the bindings in a component, one that is none in a test.
const builtin = @import("builtin");

const raw = @import("raw.zig");
const testing = @import("testing.zig");

const is_component = builtin.target.cpu.arch.isWasm();

pub const connection = if (is_component) raw.Connection else testing.calls;
pub const opening = if (is_component) raw.Opening else testing.calls;
pub const log = if (is_component) raw.Log else testing.calls;
pub const topics = if (is_component) raw.Topics else testing.calls;
pub const timers = if (is_component) raw.Timers else testing.calls;
pub const environment = if (is_component) @import("environment.zig") else testing.environment;
pub const http = if (is_component) @import("http/exchange.zig") else testing.upstreams;
