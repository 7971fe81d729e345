//! What a peer may be called.
const std = @import("std");

/// In characters.
const longest_name = 32;

/// The name that was asked for, without what could make a line look like another: letters and
/// digits, spaces, and `-_.'` are left. The caller frees it.
pub fn nameOf(allocator: std.mem.Allocator, asked: []const u8) ![]const u8 {
    // With U+FFFD for what is no UTF-8.
    const text = try std.fmt.allocPrint(allocator, "{f}", .{std.unicode.fmtUtf8(asked)});
    defer allocator.free(text);
    var buffer: [longest_name * 4]u8 = undefined;
    var name: std.ArrayList(u8) = .initBuffer(&buffer);
    var length: usize = 0;
    var characters = std.unicode.Utf8View.initUnchecked(text).iterator();
    while (characters.nextCodepointSlice()) |bytes| {
        if (length == longest_name) break;
        if (!fits(try std.unicode.utf8Decode(bytes))) continue;
        // None at the beginning.
        if (bytes[0] == ' ' and length == 0) continue;
        name.appendSliceAssumeCapacity(bytes);
        length += 1;
    }
    const trimmed = std.mem.trimEnd(u8, name.items, " ");
    return allocator.dupe(u8, if (trimmed.len == 0) "guest" else trimmed);
}

/// Zig's standard library knows no letters but those of ASCII. The ranges of Unicode here have
/// letters, digits and their marks only: nothing that is a blank, a sign, or not seen at all.
fn fits(character: u21) bool {
    return switch (character) {
        'a'...'z', 'A'...'Z', '0'...'9', ' ', '-', '_', '.', '\'' => true,
        // Latin
        0xC0...0xD6, 0xD8...0xF6, 0xF8...0x2AF, 0x1E00...0x1EFF => true,
        // Greek, Cyrillic, Armenian, Georgian
        0x386, 0x388...0x3F5, 0x3F7...0x481, 0x48A...0x556, 0x560...0x588 => true,
        0x10A0...0x10FA, 0x1F00...0x1FBC => true,
        // Hebrew, Arabic, Syriac and Thaana, Ethiopic
        0x5D0...0x5F2, 0x620...0x669, 0x66E...0x6D3, 0x6EE...0x6FC, 0x710...0x7B1 => true,
        0x1200...0x135A => true,
        // India and Sri Lanka
        0x900...0x963, 0x966...0x96F, 0x971...0x9F1, 0xA01...0xA75, 0xA81...0xAEF => true,
        0xB01...0xB6F, 0xB71...0xBF2, 0xC00...0xC6F, 0xC80...0xC83, 0xC85...0xD4E => true,
        0xD54...0xD78, 0xD7A...0xDF3 => true,
        // Thai, Lao, Tibetan, Burmese, Khmer, Mongolian
        0xE01...0xE3A, 0xE40...0xE4E, 0xE50...0xE59, 0xE81...0xEDF, 0xF20...0xF33 => true,
        0xF40...0xF84, 0x1000...0x1049, 0x1050...0x109D, 0x1780...0x17B3 => true,
        0x17B6...0x17D3, 0x17E0...0x17E9, 0x1810...0x1878 => true,
        // Kana, Bopomofo, Hangul, Han
        0x3005...0x3007, 0x3041...0x3096, 0x30A1...0x30FA, 0x30FC...0x312F => true,
        0x3131...0x3163, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3 => true,
        0xF900...0xFAFF, 0x20000...0x323AF => true,
        else => false,
    };
}

test "a name can look like no line" {
    const names = [_][2][]const u8{
        .{ "* Ada: hi\n", "Ada hi" },
        .{ " :* ", "guest" },
        .{ "Mary-Ann O'Neil_2.", "Mary-Ann O'Neil_2." },
        .{ "Jürgen Đặng", "Jürgen Đặng" },
        .{ "李小龙 عمر", "李小龙 عمر" },
        // Marks that nobody sees, and bytes that are no UTF-8.
        .{ "\u{202e}adA\u{200b}\u{2028}\u{3164}", "adA" },
        .{ "A\xffd\xc1\x81a\xe6\x9d", "Ada" },
        .{ "12345678901234567890123456789012345", "12345678901234567890123456789012" },
        .{
            "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷",
            "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷",
        },
    };
    for (names) |pair| {
        const name = try nameOf(std.testing.allocator, pair[0]);
        defer std.testing.allocator.free(name);
        try std.testing.expectEqualStrings(pair[1], name);
    }
}
