package import Diagnostics
package import Digests
package import Parallelism
package import Tensors

/// Digests of tensors that nothing else reads.
package enum DataDigests {
    /// Reads all of `sources` and gives their digests (`Spec/format.md`, §4).
    ///
    /// - Parameter onRead: Is told how many bytes were read, from any thread.
    package static func take(
        of sources: [any TensorSource], lanes: Lanes, onRead: (@Sendable (_ byteCount: Int) -> Void)? = nil
    ) throws(Failure) -> [Digest] {
        let collector = DigestCollector(byteCounts: sources.map(\.byteCount))
        let groups = BlockGroup.plan(sources, groupSize: 1 << 20)
        let buffers = LaneBuffers(lanes, byteCount: groups.reduce(0) { max($0, $1.byteCount) })
        try lanes.forEach(groups.count) { lane, index throws(Failure) in
            try buffers.withBuffer(lane: lane, count: groups[index].byteCount) { buffer throws(Failure) in
                var filled = 0
                for block in groups[index].blocks {
                    var part = buffer._mutatingExtracting(filled..<filled + block.count)
                    try sources[block.tensor].read(at: block.offset, into: &part)
                    filled += block.count
                }
                collector.observe(groups[index], bytes: buffer.bytes)
                onRead?(filled)
            }
        }
        return try sources.indices.map { number throws(Failure) in
            guard let digest = collector.digest(of: number) else {
                throw Failure(.internal, "a tensor was not hashed")
            }
            return digest
        }
    }
}
