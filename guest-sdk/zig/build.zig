//! Builds handlers: a project's build.zig calls `addHandler`.
const std = @import("std");

pub const HandlerOptions = struct {
    /// The handler's name: zig-out/bin/NAME.wasm is made, for `socklet build`.
    name: []const u8,
    /// The file that has the `pub const Handler`.
    root_source_file: std.Build.LazyPath,
    /// In bytes. A handler that needs more ends.
    stack_size: u64 = 128 * 1024,
};

/// Has `zig build` make a handler, and `zig build test` run its tests. The module that is
/// answered is the handler's own, to which others may be added.
pub fn addHandler(b: *std.Build, options: HandlerOptions) *std.Build.Module {
    const sdk = b.dependencyFromBuildZig(@This(), .{});
    const optimize = b.option(
        std.builtin.Optimize,
        "optimize",
        "What to build for: safe (the default: mistakes are found, and end the instance), small, fast or debug",
    ) orelse .safe;
    const wasm = b.resolveTargetQuery(.{ .cpu_arch = .wasm32, .os_tag = .wasi });

    const handler = module(b, sdk, options, wasm, optimize);
    const root = b.createModule(.{
        .root_source_file = sdk.path("src/root.zig"),
        .target = wasm,
        .optimize = optimize,
        .strip = optimize != .debug,
        .imports = &.{
            .{ .name = "handler", .module = handler },
            .{ .name = "socklet", .module = handler.import_table.get("socklet").? },
        },
    });
    const component = b.addExecutable(.{ .name = options.name, .root_module = root });
    // It has no main. What it exports, it exports by itself.
    component.entry = .disabled;
    component.rdynamic = true;
    // Zig would take 16 MiB, of each instance.
    component.stack_size = options.stack_size;
    component.wasi_exec_model = .reactor;
    b.installArtifact(component);

    const tests = b.addTest(.{ .root_module = module(b, sdk, options, b.graph.host, .debug) });
    const test_step = b.step("test", "Run the handler's tests, in a host that is none");
    test_step.dependOn(&b.addRunArtifact(tests).step);
    return handler;
}

fn module(
    b: *std.Build,
    sdk: *std.Build.Dependency,
    options: HandlerOptions,
    target: std.Build.ResolvedTarget,
    optimize: std.builtin.Optimize,
) *std.Build.Module {
    const socklet = b.createModule(.{
        .root_source_file = sdk.path("src/socklet.zig"),
        .target = target,
        .optimize = optimize,
    });
    return b.createModule(.{
        .root_source_file = options.root_source_file,
        .target = target,
        .optimize = optimize,
        .imports = &.{.{ .name = "socklet", .module = socklet }},
    });
}

/// The SDK's own tests.
pub fn build(b: *std.Build) void {
    const tests = b.addTest(.{ .root_module = b.createModule(.{
        .root_source_file = b.path("src/socklet.zig"),
        .target = b.graph.host,
        .optimize = .debug,
    }) });
    const test_step = b.step("test", "Run the SDK's tests");
    test_step.dependOn(&b.addRunArtifact(tests).step);
}
