import Diagnostics

extension JSONScanner {
    /// The string whose opening quote is the current byte; leaves the byte after its closing quote current.
    mutating func scanString() throws(Failure) -> String {
        let start = position + 1
        var index = start
        var allBits: UInt8 = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                position = index + 1
                return text(start..<index, isASCII: allBits < 0x80)
            }
            allBits |= byte
            if byte == UInt8(ascii: "\\") { return try scanEscapedString(from: start, firstEscape: index) }
            if byte < 0x20 { throw controlCharacter(byte, at: index) }
            index += 1
        }
        throw endInString()
    }

    private mutating func scanEscapedString(from start: Int, firstEscape: Int) throws(Failure) -> String {
        var decoded: [UInt8] = []
        decoded.append(contentsOf: start..<firstEscape, of: bytes)
        var index = firstEscape
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                position = index + 1
                return String(decoding: decoded, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") {
                let (scalar, next) = try unescape(at: index)
                decoded.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                index = next
            } else if byte < 0x20 {
                throw controlCharacter(byte, at: index)
            } else {
                decoded.append(byte)
                index += 1
            }
        }
        throw endInString()
    }

    /// The character that the escape beginning at `index` stands for, and the index after it.
    private func unescape(at index: Int) throws(Failure) -> (Unicode.Scalar, next: Int) {
        guard index + 1 < bytes.count else { throw endInString() }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""): return ("\"", index + 2)
        case UInt8(ascii: "\\"): return ("\\", index + 2)
        case UInt8(ascii: "/"): return ("/", index + 2)
        case UInt8(ascii: "b"): return ("\u{8}", index + 2)
        case UInt8(ascii: "f"): return ("\u{C}", index + 2)
        case UInt8(ascii: "n"): return ("\n", index + 2)
        case UInt8(ascii: "r"): return ("\r", index + 2)
        case UInt8(ascii: "t"): return ("\t", index + 2)
        case UInt8(ascii: "u"): return try unescapeUnicode(at: index)
        default: throw syntax("no such escape in a string", at: index, expected: nil, actual: nil)
        }
    }

    private func unescapeUnicode(at index: Int) throws(Failure) -> (Unicode.Scalar, next: Int) {
        let unit = try hexadecimalUnit(at: index)
        if let scalar = Unicode.Scalar(unit) { return (scalar, index + 6) }
        let low = index + 6
        if unit < 0xDC00, low + 1 < bytes.count, bytes[low] == UInt8(ascii: "\\"), bytes[low + 1] == UInt8(ascii: "u") {
            let second = try hexadecimalUnit(at: low)
            if (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00))
            {
                return (scalar, index + 12)
            }
        }
        throw syntax("an escape names half of a surrogate pair", at: index, expected: nil, actual: nil)
    }

    /// The value of `\uXXXX` at `index`.
    private func hexadecimalUnit(at index: Int) throws(Failure) -> UInt32 {
        var unit: UInt32 = 0
        for digit in (index + 2)..<(index + 6) {
            guard digit < bytes.count else { throw endInString() }
            let value: UInt8
            switch bytes[digit] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = bytes[digit] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = bytes[digit] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = bytes[digit] - UInt8(ascii: "A") + 10
            default:
                throw syntax("an escape lacks its four hexadecimal digits", at: index, expected: nil, actual: nil)
            }
            unit = unit << 4 | UInt32(value)
        }
        return unit
    }

    /// A stretch of the text as a string.
    func text(_ range: Range<Int>, isASCII: Bool) -> String {
        // The whole text was validated on the way in, and a stretch between two ASCII bytes of it is as valid.
        unsafe String(copying: UTF8Span(unchecked: bytes.extracting(range), isKnownASCII: isASCII))
    }

    private func controlCharacter(_ byte: UInt8, at index: Int) -> Failure {
        syntax(
            "a string holds a control character", at: index, expected: nil,
            actual: "byte 0x" + String(byte, radix: 16))
    }

    private func endInString() -> Failure {
        syntax("the text ends within a string", at: bytes.count, expected: nil, actual: nil)
    }
}

extension [UInt8] {
    fileprivate mutating func append(contentsOf range: Range<Int>, of bytes: Span<UInt8>) {
        for index in range { append(bytes[index]) }
    }
}
