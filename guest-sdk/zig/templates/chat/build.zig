const socklet = @import("socklet");
const std = @import("std");

pub fn build(b: *std.Build) void {
    _ = socklet.addHandler(b, .{
        .name = "{{name}}",
        .root_source_file = b.path("src/main.zig"),
    });
}
