import Synchronization
package import Tensors

/// Takes in the leaves of tensors as their blocks pass, in any order, and gives each tensor's digest at the end.
///
/// It holds one hash state a tensor under way and the leaves of blocks that came too early: no more than the lanes do.
package final class DigestCollector: BlockObserver {
    private struct Progress {
        var hash: SHA256
        var next = 0
        /// Leaves of blocks that came before their turn, by the offset of their block.
        var early: [Int: (leaves: [UInt8], count: Int)] = [:]
    }

    private struct State {
        var underWay: [Int: Progress] = [:]
        var digests: [Digest?]
    }

    private let byteCounts: [Int]
    private let state: Mutex<State>

    package init(byteCounts: [Int]) {
        self.byteCounts = byteCounts
        var digests = [Digest?](repeating: nil, count: byteCounts.count)
        for (tensor, byteCount) in byteCounts.enumerated() where byteCount == 0 {
            digests[tensor] = TensorDigest.data([])
        }
        self.state = Mutex(State(digests: digests))
    }

    package func observe(_ group: BlockGroup, bytes: RawSpan) {
        let leaves = TensorDigest.leaves(of: bytes, blocks: group.blocks.map(\.count))
        state.withLock { state in
            var start = 0
            for block in group.blocks {
                let end = start + TensorDigest.leafCount(block.count) * 32
                add(Array(leaves[start..<end]), of: block, to: &state)
                start = end
            }
        }
    }

    private func add(_ leaves: [UInt8], of block: TensorBlock, to state: inout State) {
        let byteCount = byteCounts[block.tensor]
        var progress = state.underWay[block.tensor] ?? Progress(hash: TensorDigest.begin(byteCount: byteCount))
        progress.early[block.offset] = (leaves, block.count)
        while let (leaves, count) = progress.early.removeValue(forKey: progress.next) {
            progress.hash.update(leaves)
            progress.next += count
        }
        if progress.next == byteCount {
            state.digests[block.tensor] = progress.hash.finish()
            state.underWay[block.tensor] = nil
        } else {
            state.underWay[block.tensor] = progress
        }
    }

    /// The digest of a tensor all of whose blocks have passed.
    package func digest(of tensor: Int) -> Digest? {
        state.withLock { $0.digests[tensor] }
    }
}
