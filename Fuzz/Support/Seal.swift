import DeltaFormat
import Digests

/// Puts the marks, sizes and checksums of a container's header and trailer right, as far as its bytes allow: what then is
/// wrong with it is what the fuzzer changed on purpose.
package func sealed(_ container: [UInt8]) -> [UInt8] {
    guard container.count >= Limits.headerSize + Limits.trailerSize else { return container }
    var bytes = container
    let end = bytes.count - Limits.trailerSize
    bytes.replaceSubrange(..<8, with: Header.magic)
    bytes.put(XXH3.hash(Array(bytes[..<56])), at: 56)
    let (offset, size) = (bytes.number(at: end), bytes.number(at: end + 8))
    bytes.put(UInt64(bytes.count), at: end + 16)
    bytes.replaceSubrange(end + 24..<end + 32, with: bytes[56..<64])
    if offset <= end, size <= end - Int(offset) {
        let index = Array(bytes[Int(offset)..<Int(offset + size)])
        bytes.replaceSubrange(end + 32..<end + 64, with: SHA256.hash(Array(bytes[..<64]) + index).bytes)
        if let index = try? Index(parsing: unsafe index.span.bytes, offset: 0), (try? index.validate()) != nil {
            bytes.replaceSubrange(end + 64..<end + 96, with: index.contentDigest().bytes)
        }
    }
    bytes.put(XXH3.hash(Array(bytes[end..<end + 112])), at: end + 112)
    bytes.replaceSubrange(end + 120..<end + 128, with: Header.magic.reversed())
    return bytes
}

extension [UInt8] {
    fileprivate mutating func put(_ value: UInt64, at place: Int) {
        for index in 0..<8 { self[place + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
    }

    fileprivate func number(at place: Int) -> UInt64 {
        self[place..<place + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
