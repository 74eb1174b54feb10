internal import CKernels

/// A SHA-256 digest (FIPS 180-4).
package struct Digest: Hashable, Sendable {
    package let bytes: [UInt8]

    /// `bytes` has 32 elements.
    package init(_ bytes: [UInt8]) {
        precondition(bytes.count == 32)
        self.bytes = bytes
    }

    /// Thirty-two zeros: what stands where there is no digest.
    package static let zero = Digest([UInt8](repeating: 0, count: 32))

    package var isZero: Bool { self == .zero }
}

extension Digest: CustomStringConvertible {
    /// Lower-case hexadecimal, as `sha256sum` prints it.
    package var description: String {
        let digits = Array("0123456789abcdef".unicodeScalars)
        var text = ""
        for byte in bytes {
            text.unicodeScalars.append(digits[Int(byte >> 4)])
            text.unicodeScalars.append(digits[Int(byte & 15)])
        }
        return text
    }
}

/// An incremental SHA-256.
package struct SHA256: Sendable {
    private var state = tenon_sha256()

    package init() {
        unsafe tenon_sha256_begin(&state)
    }

    package mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe tenon_sha256_update(&state, buffer.baseAddress, buffer.count)
        }
    }

    package mutating func update(_ bytes: [UInt8]) {
        let raw = unsafe bytes.span.bytes
        update(raw)
    }

    /// The digest of all that was given; the state is spent.
    package consuming func finish() -> Digest {
        var digest = [UInt8](repeating: 0, count: 32)
        unsafe digest.withUnsafeMutableBufferPointer { unsafe tenon_sha256_end(&state, $0.baseAddress) }
        return Digest(digest)
    }

    package static func hash(_ bytes: [UInt8]) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }
}

extension SHA256 {
    /// Little-endian, as every integer of a container.
    package mutating func update(_ value: some FixedWidthInteger) {
        unsafe withUnsafeBytes(of: value.littleEndian) { bytes in update(unsafe bytes.bytes) }
    }

    package mutating func update(_ digest: Digest) {
        update(digest.bytes)
    }

    /// A 32-bit length and the bytes.
    package mutating func update(lengthPrefixed bytes: [UInt8]) {
        update(UInt32(bytes.count))
        update(bytes)
    }

    /// A domain's name and a zero byte, first in every digest that is no leaf.
    package mutating func update(domain: String) {
        update(Array(domain.utf8) + [0])
    }
}
