package import Adapters
package import Diagnostics
import Digests
package import Files
package import Parallelism
import Synchronization
import Tensors

/// Writes an adapter as a container: one pass over its tensors, front to back, in bounded memory; the output may be a pipe.
///
/// The bytes depend on the adapter, the compression and the version of zstd, not on the number of lanes.
package struct ContainerWriter: Sendable {
    /// Small tensors go in halves of a block: all that is made of them then stays in a core's own cache.
    static let groupSize = 1 << 19

    package var compression: Compression
    package var lanes: Lanes
    /// Decode every frame again before it is written: an encoder's fault must not cost a user's weights.
    package var verifies: Bool

    package init(compression: Compression = .standard, lanes: Lanes, verifies: Bool = true) {
        self.compression = compression
        self.lanes = lanes
        self.verifies = verifies
    }

    /// Writes all of it but does not commit `output`. Throws before the first byte if a reader would refuse the result.
    package func write(_ adapter: Adapter, to output: OutputFile) throws(Failure) -> Trailer {
        try writeIndexed(adapter, to: output).trailer
    }

    /// The same, with all metadata of what was written.
    package func writeIndexed(
        _ adapter: Adapter, to output: OutputFile
    ) throws(Failure) -> (trailer: Trailer, index: Index) {
        let plan = try ContainerPlan(adapter)
        let job = try WritingJob(plan, writer: self, output: output)
        return try job.run()
    }
}

private struct EncodedBlock {
    let filter: Filter
    let byteCount: Int
    let planes: ArraySlice<PlaneRecord>
}

/// What one lane makes of a group of blocks: the bytes to write and what the index says of them.
private final class EncodedGroup: Sendable {
    /// Holds the bytes of all blocks, one after the other; goes back to where it came from once they are written.
    let buffer: ScratchBuffer
    let blocks: [EncodedBlock]
    let leaves: [UInt8]

    init(buffer: ScratchBuffer, blocks: [EncodedBlock], leaves: [UInt8]) {
        self.buffer = buffer
        self.blocks = blocks
        self.leaves = leaves
    }
}

/// One run of a writer.
private final class WritingJob: Sendable {
    private struct Progress {
        var index: Index
        var hash = SHA256()
    }

    private let header = Header()
    private let sources: [any TensorSource]
    /// Of tensors with several blocks, which lanes share; a tensor of one block gets its own where that is at hand.
    private let filters: [Filter?]
    private let groups: [BlockGroup]
    private let writer: ContainerWriter
    private let output: OutputFile
    private let encoders: [ChunkEncoder]
    private let inputs: [ScratchBuffer]
    private let outputs = Pool<ScratchBuffer>()
    private let progress: Mutex<Progress>

    init(_ plan: ContainerPlan, writer: ContainerWriter, output: OutputFile) throws(Failure) {
        self.writer = writer
        self.output = output
        sources = plan.sources
        var encoders: [ChunkEncoder] = []
        for _ in 0..<writer.lanes.count {
            encoders.append(try ChunkEncoder(compression: writer.compression, verifies: writer.verifies))
        }
        self.encoders = encoders
        inputs = (0..<writer.lanes.count).map { _ in ScratchBuffer() }
        filters = try Self.chooseFilters(plan.sources, writer: writer, encoders: encoders)
        groups = BlockGroup.plan(plan.sources, groupSize: ContainerWriter.groupSize)
        progress = Mutex(Progress(index: plan.index))
    }

    private static func chooseFilters(
        _ sources: [any TensorSource], writer: ContainerWriter, encoders: [ChunkEncoder]
    ) throws(Failure) -> [Filter?] {
        let filters = Mutex([Filter?](repeating: nil, count: sources.count))
        let large = sources.indices.filter { sources[$0].byteCount > sources[$0].blockByteCount }
        try writer.lanes.forEach(large.count) { lane, place throws(Failure) in
            let choice = FilterChoice(compression: writer.compression, encoder: encoders[lane])
            let filter = try choice.filter(for: sources[large[place]])
            filters.withLock { $0[large[place]] = filter }
        }
        return filters.withLock { $0 }
    }

    func run() throws(Failure) -> (trailer: Trailer, index: Index) {
        let header = header.serialized()
        try output.append(header)
        try writer.lanes.forEachInOrder(groups.count) { lane, group throws(Failure) in
            try self.encode(self.groups[group], lane: lane)
        } consume: { group, encoded throws(Failure) in
            try self.write(encoded, of: self.groups[group])
        }
        return try finish(header)
    }

    private func encode(_ group: BlockGroup, lane: Int) throws(Failure) -> EncodedGroup {
        let raw = unsafe inputs[lane].bytes(group.byteCount)
        var segments: [[Int]] = []
        var start = 0
        for block in group.blocks {
            var span = unsafe MutableRawSpan(
                _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: raw[start..<start + block.count]))
            segments.append(try sources[block.tensor].readSegments(at: block.offset, into: &span))
            start += block.count
        }
        let leaves = unsafe TensorDigest.leaves(
            of: UnsafeRawBufferPointer(raw).bytes, blocks: group.blocks.map(\.count))
        let buffer = outputs.take() ?? ScratchBuffer()
        let blocks = try unsafe encodeBlocks(
            of: group, raw: UnsafeRawBufferPointer(raw), segments: segments, lane: lane,
            into: buffer.bytes(group.byteCount))
        return EncodedGroup(buffer: buffer, blocks: blocks, leaves: leaves)
    }

    private func encodeBlocks(
        of group: BlockGroup, raw: UnsafeRawBufferPointer, segments: [[Int]], lane: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> [EncodedBlock] {
        let encoder = encoders[lane]
        let choice = FilterChoice(compression: writer.compression, encoder: encoder)
        var blocks: [EncodedBlock] = []
        var planes: [PlaneRecord] = []
        var start = 0
        var filled = 0
        for (block, segments) in zip(group.blocks, segments) {
            let source = sources[block.tensor]
            let chunk = unsafe UnsafeRawBufferPointer(rebasing: raw[start..<start + block.count])
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[filled..<filled + block.count])
            let filter =
                if let filter = filters[block.tensor] { filter } else {
                    try unsafe choice.filter(for: source, head: chunk)
                }
            let first = planes.count
            let size = try unsafe encoder.encode(
                chunk, filter: filter, dtype: source.dtype, segments: segments, into: room, records: &planes)
            blocks.append(EncodedBlock(filter: filter, byteCount: size, planes: planes[first...]))
            start += block.count
            filled += size
        }
        return blocks
    }

    private func write(_ encoded: EncodedGroup, of group: BlockGroup) throws(Failure) {
        let bytes = unsafe UnsafeRawBufferPointer(encoded.buffer.bytes(group.byteCount)).bytes
        var start = 0
        var end = 0
        for (block, result) in zip(group.blocks, encoded.blocks) {
            let source = sources[block.tensor]
            let isAligned = result.filter == .none && source.byteCount > Layout.alignedFrom
            if block.offset == 0 && isAligned {
                try output.write(bytes.extracting(start..<end))
                start = end
                try output.pad(to: header.alignment)
            }
            end += result.byteCount
        }
        try output.write(bytes.extracting(start..<end))
        outputs.giveBack(encoded.buffer)
        progress.withLock { progress in
            var leaf = 0
            for (block, result) in zip(group.blocks, encoded.blocks) {
                let byteCount = sources[block.tensor].byteCount
                if block.offset == 0 { progress.hash = TensorDigest.begin(byteCount: byteCount) }
                let next = leaf + TensorDigest.leafCount(block.count) * 32
                progress.hash.update(Array(encoded.leaves[leaf..<next]))
                leaf = next
                progress.index.tensors[block.tensor].filter = result.filter
                progress.index.planes.append(contentsOf: result.planes)
                if block.offset + block.count == byteCount {
                    progress.index.tensors[block.tensor].digest = progress.hash.finish()
                    progress.hash = SHA256()
                }
            }
        }
    }

    private func finish(_ header: [UInt8]) throws(Failure) -> (trailer: Trailer, index: Index) {
        let index = progress.withLock { $0.index }
        let layout = try Layout(index, alignment: self.header.alignment)
        try output.pad(to: 8)
        let offset = output.position
        guard offset == layout.indexOffset else {
            throw Failure(.internal, "the data end at \(offset) and not at \(layout.indexOffset)")
        }
        let bytes = index.serialized()
        guard bytes.count <= Limits.indexSize else {
            throw Failure(.indexTooLarge, "the index would be larger than 64 MiB", actual: "\(bytes.count) bytes")
        }
        try output.append(bytes)
        try output.pad(to: 8)
        var hash = SHA256()
        hash.update(header)
        hash.update(bytes)
        let trailer = Trailer(
            indexOffset: UInt64(offset), indexSize: UInt64(bytes.count),
            fileSize: UInt64(output.position + Limits.trailerSize), headerChecksum: Header.checksum(of: header),
            indexDigest: hash.finish(), contentDigest: index.contentDigest(), logicalBytes: UInt64(layout.logicalBytes))
        try output.append(trailer.serialized())
        return (trailer, index)
    }
}

extension OutputFile {
    fileprivate func append(_ bytes: [UInt8]) throws(Failure) {
        try write(unsafe bytes.span.bytes)
    }

    fileprivate func pad(to alignment: Int) throws(Failure) {
        let excess = position % alignment
        if excess > 0 { try append([UInt8](repeating: 0, count: alignment - excess)) }
    }
}
