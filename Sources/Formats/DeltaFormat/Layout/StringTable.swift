import Diagnostics

/// Sorted strings as differences: how many bytes each shares with the one before, and the rest.
enum StringTable {
    struct Packed {
        let shared: Int
        let rest: [UInt8]
    }

    static func pack(_ strings: [String]) -> [Packed] {
        var previous: [UInt8] = []
        return strings.map { text in
            let bytes = Array(text.utf8)
            let shared = commonPrefix(previous, bytes)
            previous = bytes
            return Packed(shared: shared, rest: Array(bytes[shared...]))
        }
    }

    /// Throws unless the strings are sorted, unique and UTF-8, and each shares all it can with the one before.
    static func strings(_ count: Int, byteCount: Int, from reader: inout ByteReader) throws(Failure) -> [String] {
        var lengths: [(shared: Int, rest: Int)] = []
        var total = 0
        var expanded = 0
        for _ in 0..<count {
            let shared = Int(try reader.integer(UInt16.self))
            let rest = Int(try reader.integer(UInt16.self))
            guard shared + rest <= Limits.stringLength else {
                throw Failure(
                    .limit, "a string is longer than allowed", offset: reader.offset,
                    expected: "at most \(Limits.stringLength) bytes", actual: "\(shared + rest)")
            }
            lengths.append((shared, rest))
            total += rest
            expanded += shared + rest
        }
        guard total == byteCount else {
            throw Failure(
                .badStringReference, "the strings' lengths do not add up to their bytes", offset: reader.offset)
        }
        guard expanded <= Limits.stringBytes else {
            throw Failure(
                .limit, "the strings are longer than allowed", offset: reader.offset,
                expected: "at most \(Limits.stringBytes) bytes", actual: "\(expanded)")
        }
        var strings: [String] = []
        strings.reserveCapacity(count)
        var previous: [UInt8] = []
        for length in lengths {
            let offset = reader.offset
            guard length.shared <= previous.count else {
                throw Failure(.badStringReference, "a string shares more than the one before has", offset: offset)
            }
            let bytes = previous[..<length.shared] + (try reader.array(length.rest))
            guard !bytes.isEmpty else { throw Failure(.badName, "a string is empty", offset: offset) }
            guard strings.isEmpty || previous.lexicographicallyPrecedes(bytes) else {
                throw Failure(.notCanonical, "the strings are not sorted and unique", offset: offset)
            }
            guard commonPrefix(previous, bytes) == length.shared else {
                throw Failure(.notCanonical, "a string shares less than it could with the one before", offset: offset)
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Failure(.badName, "a string is not UTF-8", offset: offset)
            }
            previous = Array(bytes)
            strings.append(text)
        }
        return strings
    }

    private static func commonPrefix(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Int {
        var count = 0
        for (x, y) in zip(a, b) {
            if x != y { break }
            count += 1
        }
        return count
    }
}
