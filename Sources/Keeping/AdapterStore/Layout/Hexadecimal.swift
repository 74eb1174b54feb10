import Digests

extension Digest {
    /// Reads 64 hexadecimal digits in lower case; nil for anything else.
    init?(hexadecimal text: some StringProtocol) {
        guard text.utf8.count == 64, let bytes = [UInt8](hexadecimal: Array(text.utf8)) else { return nil }
        self.init(bytes)
    }

    /// The digest that begins with these digits and goes on with one alone; nil where they are no hexadecimal digits.
    init?(prefix digits: String, filledWith digit: Character) {
        self.init(hexadecimal: digits + String(repeating: digit, count: max(0, 64 - digits.utf8.count)))
    }
}

extension [UInt8] {
    /// Two digits in lower case a byte.
    init?(hexadecimal digits: [UInt8]) {
        self = []
        guard digits.count % 2 == 0 else { return nil }
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else { return nil }
            append(high << 4 | low)
        }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
