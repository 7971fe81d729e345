//! The parts of a URL that a request is made of.
const std = @import("std");

pub const Url = struct {
    secure: bool,
    /// Host and maybe port.
    authority: []const u8,
    /// Path and query, without the fragment. Empty, or it begins with `/` or `?`.
    target: []const u8,
    /// All of it.
    text: []const u8,

    pub fn parse(text: []const u8) error{InvalidUrl}!Url {
        for (text) |byte| if (!std.ascii.isGraphical(byte)) return error.InvalidUrl;
        const colon = std.mem.find(u8, text, "://") orelse return error.InvalidUrl;
        const secure = std.ascii.eqlIgnoreCase(text[0..colon], "https");
        if (!secure and !std.ascii.eqlIgnoreCase(text[0..colon], "http")) return error.InvalidUrl;
        const whole = text[colon + 3 ..];
        const rest = whole[0 .. std.mem.findScalar(u8, whole, '#') orelse whole.len];
        const end = std.mem.findAny(u8, rest, "/?") orelse rest.len;
        if (end == 0) return error.InvalidUrl;
        return .{ .secure = secure, .authority = rest[0..end], .target = rest[end..], .text = text };
    }
};

test "a URL is a scheme, a host and a path" {
    inline for (.{
        .{ "https://a.example", true, "a.example", "" },
        .{ "HTTP://a.example:8080/b?c=d#e", false, "a.example:8080", "/b?c=d" },
        .{ "https://[::1]:1?q", true, "[::1]:1", "?q" },
        .{ "https://a#b/c", true, "a", "" },
    }) |case| {
        const url: Url = try .parse(case[0]);
        try std.testing.expectEqual(case[1], url.secure);
        try std.testing.expectEqualStrings(case[2], url.authority);
        try std.testing.expectEqualStrings(case[3], url.target);
    }
    for ([_][]const u8{
        "",           "a.example", "//a", "ws://a", "https://", "https:///b", "https://a/ b",
        "https://é.example/",
        "http://a\n",
    }) |text| try std.testing.expectError(error.InvalidUrl, Url.parse(text));
}
