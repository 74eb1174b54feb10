import Diagnostics

/// The escapes of a string between quotes, as Python has them.
enum StringEscapes {
    private static let simple: [Unicode.Scalar: Unicode.Scalar] = [
        "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}",
        "v": "\u{B}",
    ]
    private static let digitCounts: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]

    /// What the characters between the quotes say. A backslash before anything else stays.
    static func resolved(_ source: ArraySlice<Unicode.Scalar>, line: Int) throws(Failure) -> String {
        var text = String.UnicodeScalarView()
        var index = source.startIndex
        while index < source.endIndex {
            let scalar = source[index]
            index += 1
            guard scalar == "\\", index < source.endIndex else {
                text.append(scalar)
                continue
            }
            let next = source[index]
            index += 1
            if let value = simple[next] {
                text.append(value)
            } else if next == "\n" {
                continue
            } else if let count = digitCounts[next] {
                guard index + count <= source.endIndex,
                    let value = UInt32(String(String.UnicodeScalarView(source[index..<index + count])), radix: 16),
                    let scalar = Unicode.Scalar(value)
                else {
                    throw Failure(.templateInvalid, "an escape of a string is broken", object: "line \(line)")
                }
                text.append(scalar)
                index += count
            } else if let first = next.octalDigit {
                var value = first
                var count = 1
                while count < 3, index < source.endIndex, let digit = source[index].octalDigit {
                    value = value * 8 + digit
                    count += 1
                    index += 1
                }
                if let scalar = Unicode.Scalar(value) { text.append(scalar) }
            } else {
                text.append("\\")
                text.append(next)
            }
        }
        return String(text)
    }
}

extension Unicode.Scalar {
    fileprivate var octalDigit: UInt32? { ("0"..."7").contains(self) ? value - 0x30 : nil }
}
