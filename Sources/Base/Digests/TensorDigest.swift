internal import CKernels

/// The digest of a tensor's bytes: SHA-256 over the digests of its leaves, so that leaves hash side by side.
///
/// `leaf_i = SHA-256(00 ‖ bytes of leaf i)`, leaves of 64 KiB; `data = SHA-256("tenon.tdata.v1" 00 ‖ u64 count ‖ leaf_0 ‖ …)`.
package enum TensorDigest {
    /// 64 KiB, so that one block of 1 MiB fills the sixteen lanes of AVX-512 by itself.
    package static let leafSize = 1 << 16

    package static func leafCount(_ byteCount: Int) -> Int {
        (byteCount + leafSize - 1) / leafSize
    }

    /// The digests of all leaves of `blocks`, which lie one after the other in `bytes`; each begins a leaf.
    package static func leaves(of bytes: RawSpan, blocks: [Int]) -> [UInt8] {
        var count = 0
        for block in blocks { count += leafCount(block) }
        return unsafe bytes.withUnsafeBytes { buffer in
            var messages: [tenon_message] = unsafe []
            unsafe messages.reserveCapacity(count)
            var start = 0
            for block in blocks {
                for offset in stride(from: 0, to: block, by: leafSize) {
                    let leaf = unsafe UnsafeRawBufferPointer(
                        rebasing: buffer[start + offset..<start + min(offset + leafSize, block)])
                    unsafe messages.append(
                        tenon_message(
                            bytes: leaf.baseAddress?.assumingMemoryBound(to: UInt8.self), count: leaf.count))
                }
                start += block
            }
            return unsafe [UInt8](unsafeUninitializedCapacity: count * 32) { digests, filled in
                unsafe tenon_sha256_many(messages, messages.count, 0, rebound(digests.baseAddress))
                filled = count * 32
            }
        }
    }

    /// The digest of the whole from the digests of its leaves.
    package static func data(byteCount: Int, leaves: [UInt8]) -> Digest {
        var hash = begin(byteCount: byteCount)
        hash.update(leaves)
        return hash.finish()
    }

    /// The hash that takes in the leaves' digests in order and ends as the tensor's.
    package static func begin(byteCount: Int) -> SHA256 {
        var hash = SHA256()
        hash.update(domain: "tenon.tdata.v1")
        hash.update(UInt64(byteCount))
        return hash
    }

    /// The digest of bytes that are all at hand.
    package static func data(_ bytes: [UInt8]) -> Digest {
        let raw = unsafe bytes.span.bytes
        return data(byteCount: bytes.count, leaves: leaves(of: raw, blocks: [bytes.count]))
    }
}

/// C's `uint8_t (*)[32]` is a pointer to a tuple of thirty-two; its bytes lie as these do.
private func rebound<Tuple>(_ bytes: UnsafeMutablePointer<UInt8>?) -> UnsafeMutablePointer<Tuple>? {
    unsafe bytes.map { unsafe UnsafeMutableRawPointer($0).assumingMemoryBound(to: Tuple.self) }
}
