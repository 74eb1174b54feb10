package import Diagnostics

/// What kind of value comes next in a JSON text.
package enum JSONKind: String, Sendable {
    case null, bool, number, string, array, object
}

/// What a JSON text may cost at most.
package enum JSONLimits {
    /// Bytes of text, where the caller sets no other bound.
    package static let byteCount = 4 << 20
    /// Arrays and objects open at once.
    package static let depth = 32
    /// Bytes of one number; the longest exact text of a double takes about 1,080.
    package static let numberByteCount = 2048
}

/// Reads a JSON text value by value, in the order in which it is written, and accepts RFC 8259 and nothing else.
///
/// A caller that knows what it expects asks for it: ``beginObject()``, then ``nextKey()`` and a value in turn until the
/// key is nil; ``beginArray()``, then ``nextElement()`` and a value in turn until it is false; ``end()`` at last. After
/// a key or an element has been announced, its value must be read or skipped before the next is asked for.
///
/// Refused with ``Failure/Code/jsonSyntax``: what breaks the grammar, a byte order mark, UTF-8 that is not valid, escapes
/// of lone surrogates. With ``Failure/Code/jsonDuplicate``: keys that are the same once unescaped, compared code point by
/// code point. With ``Failure/Code/jsonNumber``: a number that is not exactly what was asked for. With
/// ``Failure/Code/jsonLimit``: what exceeds ``JSONLimits``. Every failure carries the offset of the byte at fault.
package struct JSONScanner: ~Escapable {
    let bytes: Span<UInt8>
    let path: String?
    /// Where the text begins in its file.
    let origin: UInt64
    let mismatch: Failure.Code

    /// The next byte to look at.
    var position = 0
    private var frames: [Frame] = []
    private var keys = OpenKeys()

    private struct Frame {
        let isObject: Bool
        var isEmpty = true
    }

    /// Checks size and encoding of the whole text.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - path: The file it comes from, for failures.
    ///   - origin: Where in that file it begins, in bytes; failures count from the beginning of the file.
    ///   - limit: How many bytes it may have.
    ///   - mismatch: The code of the failure when a value is of another kind than was asked for.
    @_lifetime(copy bytes)
    package init(
        _ bytes: RawSpan, path: String? = nil, origin: UInt64 = 0, limit: Int = JSONLimits.byteCount,
        mismatch: Failure.Code = .jsonSyntax
    ) throws(Failure) {
        self.bytes = unsafe bytes._unsafeView(as: UInt8.self)
        self.path = path
        self.origin = origin
        self.mismatch = mismatch
        guard bytes.byteCount <= limit else {
            throw Failure(
                .jsonLimit, "the JSON text is too long", offset: origin, path: path, expected: "at most \(limit) bytes",
                actual: "\(bytes.byteCount)")
        }
        do {
            _ = try UTF8Span(validating: self.bytes)
        } catch {
            throw syntax("not valid UTF-8", at: error.byteOffsets.lowerBound, expected: nil, actual: nil)
        }
        if self.bytes.count >= 3, self.bytes[0] == 0xEF, self.bytes[1] == 0xBB, self.bytes[2] == 0xBF {
            throw syntax("the text begins with a byte order mark", at: 0, expected: nil, actual: nil)
        }
    }

    /// Where the next value begins, counted from the beginning of the file.
    package var offset: UInt64 {
        @_lifetime(self: copy self)
        mutating get {
            skipSpace()
            return origin + UInt64(position)
        }
    }

    // MARK: Structure

    /// The kind of the next value, told by its first byte; the rest of it may still turn out to be malformed.
    @_lifetime(self: copy self)
    package mutating func peek() throws(Failure) -> JSONKind {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw unexpected("a value")
        }
    }

    @_lifetime(self: copy self)
    package mutating func beginObject() throws(Failure) {
        try expect(.object)
        try open(isObject: true)
    }

    /// The next key of the innermost object, or nil where it ends.
    @_lifetime(self: copy self)
    package mutating func nextKey() throws(Failure) -> String? {
        precondition(frames.last?.isObject == true, "no object is open")
        skipSpace()
        if current == UInt8(ascii: "}") {
            keys.close()
            close()
            return nil
        }
        if frames[frames.count - 1].isEmpty {
            frames[frames.count - 1].isEmpty = false
        } else {
            guard current == UInt8(ascii: ",") else { throw unexpected("',' or '}'") }
            position += 1
            skipSpace()
        }
        guard current == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes") }
        let start = position
        let key = try scanString()
        skipSpace()
        guard current == UInt8(ascii: ":") else { throw unexpected("':'") }
        position += 1
        guard keys.insert(key) else {
            throw Failure(
                .jsonDuplicate, "the object has this key twice", object: key, offset: origin + UInt64(start), path: path
            )
        }
        return key
    }

    @_lifetime(self: copy self)
    package mutating func beginArray() throws(Failure) {
        try expect(.array)
        try open(isObject: false)
    }

    /// Whether the innermost array has one more element, which the caller then reads.
    @_lifetime(self: copy self)
    package mutating func nextElement() throws(Failure) -> Bool {
        precondition(frames.last?.isObject == false, "no array is open")
        skipSpace()
        if current == UInt8(ascii: "]") {
            close()
            return false
        }
        if frames[frames.count - 1].isEmpty {
            frames[frames.count - 1].isEmpty = false
        } else {
            guard current == UInt8(ascii: ",") else { throw unexpected("',' or ']'") }
            position += 1
            skipSpace()
            if current == UInt8(ascii: "]") { throw unexpected("an element after ','") }
        }
        return true
    }

    /// Makes sure that nothing but white space follows the value.
    @_lifetime(self: copy self)
    package mutating func end() throws(Failure) {
        skipSpace()
        guard position == bytes.count else { throw unexpected("the end of the text") }
    }

    private mutating func open(isObject: Bool) throws(Failure) {
        guard frames.count < JSONLimits.depth else {
            throw Failure(
                .jsonLimit, "arrays and objects are nested too deeply", offset: origin + UInt64(position), path: path,
                expected: "at most \(JSONLimits.depth) levels")
        }
        position += 1
        frames.append(Frame(isObject: isObject))
        if isObject { keys.open() }
    }

    private mutating func close() {
        position += 1
        frames.removeLast()
    }

    // MARK: Scalars

    @_lifetime(self: copy self)
    package mutating func null() throws(Failure) {
        try expect(.null)
        try literal("null")
    }

    @_lifetime(self: copy self)
    package mutating func bool() throws(Failure) -> Bool {
        try expect(.bool)
        let value = current == UInt8(ascii: "t")
        try literal(value ? "true" : "false")
        return value
    }

    @_lifetime(self: copy self)
    package mutating func string() throws(Failure) -> String {
        try expect(.string)
        return try scanString()
    }

    private mutating func literal(_ word: String) throws(Failure) {
        let start = position
        for byte in word.utf8 {
            guard current == byte else {
                throw syntax("not valid JSON", at: start, expected: "'\(word)'", actual: nil)
            }
            position += 1
        }
    }

    // MARK: Bytes

    /// The byte at ``position``, or 0, which no JSON text may hold, at the end.
    var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    mutating func expect(_ kind: JSONKind) throws(Failure) {
        let found = try peek()
        guard found == kind else {
            throw Failure(
                mismatch, "the value is of the wrong kind", offset: origin + UInt64(position), path: path,
                expected: kind.rawValue, actual: found.rawValue)
        }
    }

    // MARK: Failures

    func syntax(_ what: String, at index: Int, expected: String?, actual: String?) -> Failure {
        Failure(
            .jsonSyntax, what, offset: origin + UInt64(index), path: path, expected: expected, actual: actual)
    }

    func unexpected(_ expected: String) -> Failure {
        let actual: String
        if position >= bytes.count {
            actual = "the end of the text"
        } else if (0x21...0x7E).contains(bytes[position]) {
            actual = "'\(Unicode.Scalar(bytes[position]))'"
        } else {
            actual = "byte 0x" + String(bytes[position], radix: 16)
        }
        return syntax("not valid JSON", at: position, expected: expected, actual: actual)
    }
}
