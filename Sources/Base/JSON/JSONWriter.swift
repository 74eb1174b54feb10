import Diagnostics

/// How a JSON text is laid out.
package struct JSONStyle: Sendable {
    /// Which characters of a string are escaped, besides the quote, the backslash and controls below U+0020.
    package enum Escapes: Sendable {
        /// None: what serde_json writes.
        case required
        /// Delete and the C1 controls, which a terminal may obey.
        case controls
        /// Everything beyond printable ASCII: what Python writes.
        case ascii
    }

    /// Spaces a level, or nil for one line.
    let indent: Int?
    let sortsKeys: Bool
    let escapes: Escapes
    let comma: String
    let colon: String

    /// Byte for byte what Python's `json.dumps(value, indent: indent, sort_keys: sortKeys)` returns.
    package static func python(indent: Int?, sortKeys: Bool) -> JSONStyle {
        JSONStyle(
            indent: indent, sortsKeys: sortKeys, escapes: .ascii, comma: indent == nil ? ", " : ",", colon: ": ")
    }

    /// No white space at all, characters as they are: what serde_json writes.
    package static let compact = JSONStyle(
        indent: nil, sortsKeys: false, escapes: .required, comma: ",", colon: ":")

    /// For people and their terminals: two spaces a level, characters as they are but for controls.
    package static let pretty = JSONStyle(
        indent: 2, sortsKeys: false, escapes: .controls, comma: ",", colon: ": ")
}

/// Writes JSON texts.
package struct JSONWriter {
    /// What has been written so far.
    package private(set) var bytes: [UInt8] = []
    private let style: JSONStyle

    package init(_ style: JSONStyle) {
        self.style = style
    }

    /// The text of one value, without a newline at the end.
    package static func bytes(of value: JSONValue, _ style: JSONStyle) -> [UInt8] {
        var writer = JSONWriter(style)
        writer.write(value)
        return writer.bytes
    }

    package mutating func write(_ value: JSONValue) {
        write(value, level: 0)
    }

    /// A character of the structure, or a number, as it is.
    package mutating func write(raw text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// A string in quotes.
    package mutating func write(_ string: String) {
        bytes.append(UInt8(ascii: "\""))
        defer { bytes.append(UInt8(ascii: "\"")) }
        // Most strings are names and digests, which every style writes as they are.
        if string.utf8.allSatisfy({ 0x20..<0x7F ~= $0 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            bytes.append(contentsOf: string.utf8)
            return
        }
        switch style.escapes {
        case .required: for byte in string.utf8 { write(byte) }
        case .controls: for scalar in string.unicodeScalars { write(scalar, isKept: !(0x7F...0x9F ~= scalar.value)) }
        case .ascii: for scalar in string.unicodeScalars { write(scalar, isKept: scalar.value < 0x7F) }
        }
    }

    // MARK: Values

    private mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: write(raw: "null")
        case .bool(let value): write(raw: value ? "true" : "false")
        case .number(let number): write(raw: number.text)
        case .string(let string): write(string)
        case .array(let elements):
            writeList("[", "]", count: elements.count, level: level) { writer, index in
                writer.write(elements[index], level: level + 1)
            }
        case .object(let object):
            // The order of UTF-8 bytes is that of code points, which Python sorts by.
            let members =
                style.sortsKeys
                ? object.members.sorted { $0.key.precedesInBytes($1.key) } : object.members
            writeList("{", "}", count: members.count, level: level) { writer, index in
                writer.write(members[index].key)
                writer.write(raw: writer.style.colon)
                writer.write(members[index].value, level: level + 1)
            }
        }
    }

    private mutating func writeList(
        _ opening: String, _ closing: String, count: Int, level: Int, element: (inout JSONWriter, Int) -> Void
    ) {
        write(raw: opening)
        for index in 0..<count {
            if index > 0 { write(raw: style.comma) }
            newLine(level: level + 1)
            element(&self, index)
        }
        if count > 0 { newLine(level: level) }
        write(raw: closing)
    }

    private mutating func newLine(level: Int) {
        guard let indent = style.indent else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * level))
    }

    // MARK: Characters

    private mutating func write(_ scalar: Unicode.Scalar, isKept: Bool) {
        if isKept {
            for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { write(byte) }
        } else {
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter { writeEscape(unit) }
        }
    }

    private mutating func write(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): write(raw: #"\""#)
        case UInt8(ascii: "\\"): write(raw: #"\\"#)
        case 0x08: write(raw: #"\b"#)
        case 0x09: write(raw: #"\t"#)
        case 0x0A: write(raw: #"\n"#)
        case 0x0C: write(raw: #"\f"#)
        case 0x0D: write(raw: #"\r"#)
        case ..<0x20: writeEscape(UInt16(byte))
        default: bytes.append(byte)
        }
    }

    private mutating func writeEscape(_ unit: UInt16) {
        let digits = String(unit, radix: 16)
        write(raw: #"\u"# + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
    }
}
