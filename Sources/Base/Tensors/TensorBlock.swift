/// A stretch of one tensor's bytes: the unit in which tensors move from a source to where they go.
package struct TensorBlock: Hashable, Sendable {
    /// Which tensor of the list that was planned.
    package let tensor: Int
    /// Where it begins in that tensor; a multiple of the block size.
    package let offset: Int
    package let count: Int

    package init(tensor: Int, offset: Int, count: Int) {
        self.tensor = tensor
        self.offset = offset
        self.count = count
    }
}

/// Blocks that one lane handles in one go: consecutive, and together about one block long.
///
/// Small tensors share a group, so that four hundred of them cost about what one large tensor does, and so that their
/// digests run side by side in the processor's lanes.
package struct BlockGroup: Sendable {
    package let blocks: [TensorBlock]

    package init(blocks: [TensorBlock]) {
        self.blocks = blocks
    }

    package var byteCount: Int { blocks.reduce(0) { $0 + $1.count } }

    /// Cuts tensors into the blocks they ask for, and gathers those into groups of at most `groupSize` bytes and 1,024
    /// blocks. Order is kept; empty tensors have no block.
    package static func plan(_ sources: [any TensorSource], groupSize: Int) -> [BlockGroup] {
        plan(byteCounts: sources.map(\.byteCount), blockSizes: sources.map(\.blockByteCount), groupSize: groupSize)
    }

    package static func plan(byteCounts: [Int], blockSizes: [Int], groupSize: Int) -> [BlockGroup] {
        var groups: [BlockGroup] = []
        var blocks: [TensorBlock] = []
        var held = 0
        func close() {
            if !blocks.isEmpty { groups.append(BlockGroup(blocks: blocks)) }
            blocks.removeAll(keepingCapacity: true)
            held = 0
        }
        for (tensor, (byteCount, blockSize)) in zip(byteCounts, blockSizes).enumerated() {
            for offset in stride(from: 0, to: byteCount, by: blockSize) {
                let block = TensorBlock(tensor: tensor, offset: offset, count: min(blockSize, byteCount - offset))
                if held + block.count > groupSize || blocks.count == 1024 { close() }
                blocks.append(block)
                held += block.count
            }
        }
        close()
        return groups
    }
}

/// Sees every block of a transfer once, from any thread, in any order: to digest what is copied while it is at hand.
package protocol BlockObserver: Sendable {
    /// `bytes` holds the blocks of `group` one after the other.
    func observe(_ group: BlockGroup, bytes: RawSpan)
}
