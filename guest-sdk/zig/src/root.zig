//! The root of a component: what a handler's own file would have to declare, and the exports.
const handler = @import("handler");
const socklet = @import("socklet");

pub const panic = socklet.panic;
pub const std_options = socklet.std_options;

comptime {
    if (!@hasDecl(handler, "Handler")) {
        @compileError("the handler's file has no `pub const Handler`");
    }
    socklet.exportHandler(handler.Handler);
}
