import Digests
import Synchronization
import Tensors

/// What is noted of a shard that was written, to tell later whether it is still that file.
///
/// It is the SHA-256 over the header and the XXH3 of every block: as fast as the blocks are copied, and made to find
/// damage, not malice. The blocks must be cut alike to be compared.
final class ShardDigest: BlockObserver {
    private struct Part {
        let tensor: Int
        let offset: Int
        let hash: UInt64
    }

    private let header: [UInt8]
    /// Sees the blocks as well.
    private let other: (any BlockObserver)?
    private let parts = Mutex<[Part]>([])

    init(header: [UInt8], alongside other: (any BlockObserver)? = nil) {
        self.header = header
        self.other = other
    }

    func observe(_ group: BlockGroup, bytes: RawSpan) {
        if let first = group.blocks.first {
            let part = Part(tensor: first.tensor, offset: first.offset, hash: XXH3.hash(bytes))
            parts.withLock { $0.append(part) }
        }
        other?.observe(group, bytes: bytes)
    }

    /// The digest once all blocks were seen, in lower-case hexadecimal.
    func finish() -> String {
        var hash = SHA256()
        hash.update(domain: "tenon.shard.v1")
        hash.update(header)
        let sorted = parts.withLock { parts in
            parts.sorted { ($0.tensor, $0.offset) < ($1.tensor, $1.offset) }
        }
        for part in sorted { hash.update(part.hash) }
        return "\(hash.finish())"
    }
}
