package import Adapters
package import Diagnostics
package import Digests
package import Files
import Parallelism
package import Tensors

/// An open container: its metadata checked whole, its tensors read when asked for.
package final class Container: Sendable {
    package let file: InputFile
    package let header: Header
    package let trailer: Trailer
    package let index: Index
    package let layout: Layout
    private let decoders = Pool<ChunkDecoder>()
    /// The file's bytes where they are read through a map.
    private let map: SharedMap?

    /// Opens and checks everything but the data, in the order of `Spec/format.md`; what comes later is not looked at if
    /// something earlier is wrong. Two reads: the header, and the tail with trailer and index.
    ///
    /// - Parameter mapped: read the data through a memory map, which saves a copy: only for a file that nobody changes,
    ///   for a map of a file that became shorter ends the process.
    package init(_ file: InputFile, mapped: Bool = false) throws(Failure) {
        self.file = file
        map = mapped ? try SharedMap(file) : nil
        do throws(Failure) {
            let tail = try Tail(file)
            header = tail.header
            trailer = tail.trailer
            let index = try tail.parseIndex()
            layout = try Layout(index, alignment: header.alignment)
            guard layout.indexOffset == Int(trailer.indexOffset) else {
                throw Failure(
                    .indexMisplaced, "the index does not begin where the data end", offset: trailer.indexOffset,
                    expected: "offset \(layout.indexOffset)", actual: "\(trailer.indexOffset)")
            }
            guard UInt64(layout.logicalBytes) == trailer.logicalBytes else {
                throw Failure(
                    .indexInconsistent, "the trailer states another total than the tensors have",
                    expected: "\(layout.logicalBytes)", actual: "\(trailer.logicalBytes)")
            }
            try index.validate()
            guard index.contentDigest() == trailer.contentDigest else {
                throw Failure(
                    .digestMismatch, "the content digest does not match the index",
                    expected: "\(trailer.contentDigest)",
                    actual: "\(index.contentDigest())")
            }
            self.index = index
        } catch {
            throw error.at(path: file.path)
        }
    }

    package var indexDigest: Digest { trailer.indexDigest }
    package var contentDigest: Digest { trailer.contentDigest }

    /// The content digest of the same adapter bound to no base.
    package var unboundContentDigest: Digest {
        var index = index
        index.bases = []
        index.leaves = []
        for entry in index.entries.indices {
            index.entries[entry].base = Index.noBase
            index.entries[entry].flags = []
        }
        return index.contentDigest()
    }

    /// The adapter, with sources that read from this file.
    package var adapter: Adapter {
        var adapter = Adapter(method: index.string(index.method), parameters: index.parameters[Int(index.record)])
        adapter.bases = index.bases.map {
            BaseReference(
                root: $0.root, headerDigest: $0.headerDigest, tensorCount: Int(clamping: $0.tensorCount),
                byteCount: Int(clamping: $0.byteCount))
        }
        var tensor = 0
        var leaves = index.leaves[...]
        for entry in index.entries {
            let key = EntryKey(index.string(entry.target), entry.kind, ordinal: entry.ordinal)
            var binding: EntryBinding?
            if entry.base != Index.noBase {
                let baseLeaf = entry.flags.contains(.baseLeaf) ? leaves.popFirst() : nil
                let resultLeaf = entry.flags.contains(.resultLeaf) ? leaves.popFirst() : nil
                binding = EntryBinding(base: Int(entry.base), baseLeaf: baseLeaf, resultLeaf: resultLeaf)
            }
            let tensors = (tensor..<tensor + Int(entry.tensorCount)).map { number in
                RoleTensor(index.tensors[number].role, source(number))
            }
            tensor += Int(entry.tensorCount)
            adapter.entries.append(
                AdapterEntry(
                    key: key, parameters: index.parameters[Int(entry.parameters)], tensors: tensors, binding: binding))
        }
        for pair in index.metadata { adapter.metadata[index.string(pair.key)] = index.string(pair.value) }
        return adapter
    }

    /// The tensor of that number in the index.
    package func source(_ tensor: Int) -> ContainerTensor {
        ContainerTensor(container: self, number: tensor)
    }

    /// What a reader of the file would call the tensor.
    package func name(of tensor: Int) -> String {
        var first = 0
        for entry in index.entries {
            if tensor < first + Int(entry.tensorCount) {
                let key = EntryKey(index.string(entry.target), entry.kind, ordinal: entry.ordinal)
                return "\(key), tensor \(index.tensors[tensor].role.word)"
            }
            first += Int(entry.tensorCount)
        }
        return "tensor \(tensor)"
    }

    /// How many bytes of the file hold the tensor's planes.
    package func storedBytes(of tensor: Int) -> Int {
        let place = layout.tensors[tensor]
        let end = place.firstPlane + place.chunkCount * place.planeCount
        return index.planes[place.firstPlane..<end].reduce(0) { $0 + $1.storedBytes }
    }

    /// Fills `target` with the bytes of `tensor` from `offset` on, chunk by chunk.
    func read(_ tensor: Int, at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let decoder: ChunkDecoder
        if let idle = decoders.take() { decoder = idle } else { decoder = try ChunkDecoder() }
        defer { decoders.giveBack(decoder) }
        try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
            let chunkBytes = layout.tensors[tensor].chunkBytes
            var done = 0
            while done < target.count {
                let chunk = (offset + done) / chunkBytes
                let skip = offset + done - chunk * chunkBytes
                let length = layout.chunk(chunk, of: tensor).byteCount
                let count = min(length - skip, target.count - done)
                let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done..<done + count])
                if count == length {
                    try unsafe decode(chunk, of: tensor, with: decoder, into: room)
                } else {
                    let whole = unsafe decoder.partial.bytes(length)
                    try unsafe decode(chunk, of: tensor, with: decoder, into: whole)
                    unsafe room.copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(whole)[skip..<skip + count]))
                }
                done += count
            }
        }
    }

    private func decode(
        _ chunk: Int, of tensor: Int, with decoder: ChunkDecoder, into target: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        let record = index.tensors[tensor]
        let place = layout.tensors[tensor]
        let first = layout.chunk(chunk, of: tensor).firstPlane
        let planes = index.planes[first..<first + place.planeCount]
        let offset = layout.planeOffsets[first]
        let stored = planes.reduce(0) { $0 + $1.storedBytes }
        let isVerbatim = record.filter == .none && index.planes[first].codec == .raw
        do throws(Failure) {
            if let map {
                try unsafe map.read(offset..<offset + stored) { bytes throws(Failure) in
                    try unsafe decoder.decode(
                        bytes, records: planes, filter: record.filter, dtype: record.dtype, into: target)
                }
                return
            }
            let source = unsafe isVerbatim ? target : decoder.storedBytes(stored)
            var span = unsafe MutableRawSpan(_unsafeBytes: source)
            try file.read(at: offset, into: &span)
            try unsafe decoder.decode(
                UnsafeRawBufferPointer(source), records: planes, filter: record.filter, dtype: record.dtype,
                into: target)
        } catch {
            var failure = error.on("\(name(of: tensor)), chunk \(chunk)")
            failure.offset = failure.offset ?? UInt64(offset)
            throw failure.at(path: file.path)
        }
    }
}

/// A map that several tensors read through.
private final class SharedMap: Sendable {
    private let file: MappedFile

    init(_ file: InputFile) throws(Failure) {
        self.file = try MappedFile(file)
    }

    func read(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try unsafe file.withUnsafeBytes(range, body)
    }
}

/// A tensor of an open container; reading checks every chunk it touches, its SHA-256 only ``Container/verify`` does.
package struct ContainerTensor: TensorSource {
    package let container: Container
    package let number: Int

    package var dtype: DType { container.index.tensors[number].dtype }
    package var shape: Shape { container.index.tensors[number].shape }
    package var byteCount: Int { container.layout.tensors[number].byteCount }
    package var blockByteCount: Int { container.layout.tensors[number].chunkBytes }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try container.read(number, at: offset, into: &target)
    }
}
