import Diagnostics

/// Reads little-endian numbers and names from bytes, never past their end.
struct ByteCursor {
    let bytes: [UInt8]
    private(set) var place = 0
    /// Where the bytes lie in their file.
    let base: Int
    /// What to say where they end too early.
    let code: Failure.Code

    var rest: Int { bytes.count - place }

    mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest else {
            throw Failure(code, "what was announced does not fit", offset: UInt64(base + place))
        }
        defer { place += count }
        return bytes[place..<place + count]
    }

    /// A number of `width` bytes, at most eight; without a sign.
    mutating func number(_ width: Int) throws(Failure) -> UInt64 {
        try take(width).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The same, where it must fit in an `Int`.
    mutating func size(_ width: Int) throws(Failure) -> Int {
        let start = place
        guard let size = try Int(exactly: number(width)) else {
            throw Failure(code, "a size is beyond 63 bits", offset: UInt64(base + start))
        }
        return size
    }

    mutating func text(_ count: Int, limit: Int) throws(Failure) -> String {
        guard count <= limit, let text = String(validating: try take(count), as: UTF8.self) else {
            throw Failure(code, "a name is too long or no UTF-8", offset: UInt64(base + place))
        }
        return text
    }

    /// The text up to the next line feed, which is taken too.
    mutating func line(limit: Int) throws(Failure) -> String {
        let end = bytes[place...].prefix(limit + 1).firstIndex(of: 0x0A) ?? bytes.count
        let text = try text(end - place, limit: limit)
        _ = try take(1)
        return text
    }
}
