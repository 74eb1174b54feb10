/// The 256 printable characters that stand for the bytes of UTF-8 in a byte-level vocabulary, as GPT-2 chose them.
///
/// The 188 bytes that Latin-1 prints without a blank stand for themselves; the others, in order, for U+0100 and on.
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0...255).map { (byte: UInt32) in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(UInt8(byte))
            default:
                defer { next += 1 }
                return Unicode.Scalar(next) ?? "\u{FFFD}"
            }
        }
    }()

    /// The UTF-8 of each byte's character.
    static let encoded: [[UInt8]] = scalars.map { Array(String($0).utf8) }

    /// The byte of each character by its value, −1 for those of no byte.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
        return bytes
    }()

    /// The text of a word in the alphabet, as the vocabulary spells it.
    static func spelling(of word: Span<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(2 * word.count)
        for index in word.indices { text += encoded[Int(word[index])] }
        return text
    }

    /// Appends the bytes that a token stands for: those of its characters, or its own where one is not of the alphabet.
    static func append(_ token: String, to bytes: inout [UInt8]) {
        let start = bytes.count
        for scalar in token.unicodeScalars {
            guard scalar.value < Self.bytes.count, case let byte = Self.bytes[Int(scalar.value)], byte >= 0 else {
                bytes.removeSubrange(start...)
                bytes += token.utf8
                return
            }
            bytes.append(UInt8(byte))
        }
    }
}
