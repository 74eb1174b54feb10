package import Diagnostics

/// Reads little-endian integers from bytes in memory, forwards, never past the end.
package struct ByteReader: ~Escapable {
    private let bytes: RawSpan
    package private(set) var position = 0
    /// What `offset` in failures counts from.
    private let origin: UInt64

    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan, origin: UInt64 = 0) {
        self.bytes = bytes
        self.origin = origin
    }

    package var remaining: Int { bytes.byteCount - position }
    package var offset: UInt64 { origin + UInt64(position) }

    package mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(_: Value.Type = Value.self)
        throws(Failure) -> Value
    {
        let width = Value.bitWidth / 8
        guard remaining >= width else { throw exhausted(width) }
        var value: Value = 0
        for index in (0..<width).reversed() {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: position + index, as: UInt8.self)
            value = Value(truncatingIfNeeded: UInt64(value) << 8) | Value(byte)
        }
        position += width
        return value
    }

    /// A 32-bit count, as the type that counts are kept in.
    package mutating func count() throws(Failure) -> Int {
        Int(try integer(UInt32.self))
    }

    package mutating func array(_ count: Int) throws(Failure) -> [UInt8] {
        guard count >= 0, remaining >= count else { throw exhausted(count) }
        var array: [UInt8] = []
        array.reserveCapacity(count)
        for index in 0..<count {
            array.append(unsafe bytes.unsafeLoad(fromByteOffset: position + index, as: UInt8.self))
        }
        position += count
        return array
    }

    /// The next `count` bytes, each of which has to be zero.
    package mutating func zeros(_ count: Int) throws(Failure) {
        let start = offset
        for (index, byte) in try array(count).enumerated() where byte != 0 {
            throw Failure(
                .reservedNonzero, "a reserved byte is not zero", offset: start + UInt64(index), actual: "\(byte)")
        }
    }

    private func exhausted(_ wanted: Int) -> Failure {
        Failure(
            .indexInconsistent, "the index ends in the middle of a record", offset: offset, expected: "\(wanted) bytes",
            actual: "\(remaining)")
    }
}

/// Appends little-endian integers to an array.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func integer(_ value: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: 0, to: type(of: value).bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    package mutating func append(_ array: [UInt8]) {
        bytes.append(contentsOf: array)
    }

    package mutating func zeros(_ count: Int) {
        bytes.append(contentsOf: repeatElement(0, count: count))
    }

    /// Zeros up to the next multiple of `alignment`.
    package mutating func align(_ alignment: Int) {
        zeros((alignment - bytes.count % alignment) % alignment)
    }
}
