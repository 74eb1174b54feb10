/// Characters of UTF-8 that is known to be valid.
extension Span<UInt8> {
    /// The character that begins at `start`, and how many bytes it has.
    func scalar(at start: Int) -> (scalar: Unicode.Scalar, length: Int) {
        let lead = self[start]
        if lead < 0x80 { return (Unicode.Scalar(lead), 1) }
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        var value = UInt32(lead) & (0x7F >> UInt32(length))
        for offset in 1..<length { value = value << 6 | UInt32(self[start + offset] & 0x3F) }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }

    /// The character that ends before `end`, and how many bytes it has; `end` is not 0.
    func scalar(before end: Int) -> (scalar: Unicode.Scalar, length: Int) {
        var start = end - 1
        while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
        return scalar(at: start)
    }
}
