package import Diagnostics
package import Files
import JSON
package import Parallelism
package import Tensors

/// Writes safetensors files: the same bytes as the reference library for the same tensors.
package enum SafetensorsWriter {
    /// The header for these tensors, in the reference library's layout.
    ///
    /// Tensors lie in the falling order of their types' alignment, then in the order of their names' bytes; metadata
    /// comes first, in the order given (the library's own is random); the text has no white space and is padded with
    /// spaces to a multiple of eight bytes.
    ///
    /// Throws ``Failure/Code/jsonDuplicate`` for a name or a metadata key that comes twice, and
    /// ``Failure/Code/baseInvalid`` for a name or type that the format does not allow, for a shape whose bytes do not
    /// fit, and for more than ``SafetensorsHeader/maximumByteCount`` bytes of text.
    ///
    /// - Returns: The first bytes of the file up to the tensors, and the indices of `tensors` in the order in which
    ///   their bytes follow.
    package static func headerBytes(
        tensors: [(name: String, dtype: DType, shape: Shape)], metadata: [(key: String, value: String)]?
    ) throws(Failure) -> (bytes: [UInt8], order: [Int]) {
        var ranks: [Int] = []
        for tensor in tensors { ranks.append(try rank(tensor.dtype, of: tensor.name)) }
        try checkUnique(tensors.map(\.name))
        try checkUnique(metadata?.map(\.key) ?? [])
        let order = tensors.indices.sorted { a, b in
            ranks[a] != ranks[b]
                ? ranks[a] > ranks[b] : tensors[a].name.precedesInBytes(tensors[b].name)
        }

        var writer = JSONWriter(.compact)
        writer.write(raw: "{")
        if let metadata {
            write(metadata, &writer)
            if !order.isEmpty { writer.write(raw: ",") }
        }
        var end = 0
        for (place, index) in order.enumerated() {
            if place > 0 { writer.write(raw: ",") }
            let start = end
            end = try self.end(of: tensors[index], from: start)
            write(tensors[index], start, end, &writer)
        }
        writer.write(raw: "}")
        writer.write(raw: String(repeating: " ", count: (8 - writer.bytes.count % 8) % 8))
        return (try prefixed(writer.bytes), order)
    }

    /// Writes a whole file: `header`, then the bytes of all tensors, each block of which `observer` sees once.
    /// The blocks that it sees count tensors by their place in `sources`.
    ///
    /// The header is checked against the tensors before anything is written. Memory: one buffer of 1 MiB a lane.
    ///
    /// Throws ``Failure/Code/baseInvalid`` where header and tensors disagree, and what reading and writing throw.
    ///
    /// - Parameters:
    ///   - header: The bytes before the tensors, as from ``headerBytes(tensors:metadata:)``.
    ///   - sources: The tensors in the order in which their bytes follow the header.
    ///   - file: Where to write; not yet written to, and not the standard output.
    package static func write(
        header: [UInt8], sources: [any TensorSource], to file: OutputFile, lanes: Lanes,
        observer: (any BlockObserver)? = nil
    ) throws(Failure) {
        let starts = try starts(of: sources, after: header)
        let fileByteCount = starts.last ?? header.count
        try file.reserve(byteCount: fileByteCount)
        try unsafe file.write(header.span.bytes, at: 0)

        let groups = groups(sources)
        let buffers = LaneBuffers(lanes, byteCount: groups.reduce(0) { max($0, $1.byteCount) })
        try lanes.forEach(groups.count) { lane, index throws(Failure) in
            let group = groups[index]
            guard let first = group.blocks.first else { return }
            try buffers.withBuffer(lane: lane, count: group.byteCount) { buffer throws(Failure) in
                var filled = 0
                for block in group.blocks {
                    var part = buffer._mutatingExtracting(filled..<filled + block.count)
                    try sources[block.tensor].read(at: block.offset, into: &part)
                    filled += block.count
                }
                observer?.observe(group, bytes: buffer.bytes)
                // The blocks of a group follow each other in the file as they do in the buffer.
                try file.write(buffer.bytes, at: starts[first.tensor] + first.offset)
            }
        }
    }

    /// The blocks in which a file's tensors are written.
    static func groups(_ sources: [any TensorSource]) -> [BlockGroup] {
        BlockGroup.plan(sources, groupSize: 1 << 19)
    }

    /// Where each source's bytes begin in the file, and at last where the file ends; checks the header against them.
    private static func starts(of sources: [any TensorSource], after header: [UInt8]) throws(Failure) -> [Int] {
        var starts = [header.count]
        for source in sources {
            let (end, overflow) = starts[starts.count - 1].addingReportingOverflow(source.byteCount)
            guard !overflow else { throw Failure(.baseInvalid, "the tensors have more bytes than fit in 64 bits") }
            starts.append(end)
        }
        let parsed = try SafetensorsHeader(parsing: header, fileByteCount: starts[starts.count - 1])
        guard parsed.tensors.count == sources.count else {
            throw Failure(
                .baseInvalid, "the header describes another number of tensors than are to be written",
                expected: "\(parsed.tensors.count)", actual: "\(sources.count)")
        }
        for (place, index) in parsed.offsetOrder.enumerated() {
            let tensor = parsed.tensors[index]
            guard tensor.byteCount == sources[place].byteCount else {
                throw Failure(
                    .baseInvalid, "the header gives the tensor another size", object: tensor.name,
                    expected: "\(tensor.byteCount) bytes", actual: "\(sources[place].byteCount)")
            }
        }
        return starts
    }

    // MARK: The header

    private static func rank(_ dtype: DType, of name: String) throws(Failure) -> Int {
        guard name != SafetensorsHeader.metadataKey else {
            throw Failure(.baseInvalid, "a tensor of a safetensors file must not have this name", object: name)
        }
        guard let rank = dtype.safetensorsRank else {
            throw Failure(.baseInvalid, "safetensors does not know the type \(dtype.name)", object: name)
        }
        return rank
    }

    private static func checkUnique(_ names: [String]) throws(Failure) {
        var seen = Set<ExactKey>(minimumCapacity: names.count)
        for name in names where !seen.insert(ExactKey(name)).inserted {
            throw Failure(.jsonDuplicate, "the header would have this key twice", object: name)
        }
    }

    private static func end(
        of tensor: (name: String, dtype: DType, shape: Shape), from start: Int
    ) throws(Failure) -> Int {
        let byteCount: Int
        do throws(Failure) {
            byteCount = try tensor.shape.byteCount(tensor.dtype)
        } catch {
            throw Failure(.baseInvalid, error.what, object: tensor.name)
        }
        let (end, overflow) = start.addingReportingOverflow(byteCount)
        guard !overflow, tensor.shape.rank <= SafetensorsHeader.maximumRank else {
            throw Failure(.baseInvalid, "the tensor is too large for a safetensors file", object: tensor.name)
        }
        return end
    }

    private static func write(_ metadata: [(key: String, value: String)], _ writer: inout JSONWriter) {
        writer.write(SafetensorsHeader.metadataKey)
        writer.write(raw: ":{")
        for (place, entry) in metadata.enumerated() {
            if place > 0 { writer.write(raw: ",") }
            writer.write(entry.key)
            writer.write(raw: ":")
            writer.write(entry.value)
        }
        writer.write(raw: "}")
    }

    private static func write(
        _ tensor: (name: String, dtype: DType, shape: Shape), _ start: Int, _ end: Int, _ writer: inout JSONWriter
    ) {
        let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
        writer.write(tensor.name)
        writer.write(
            raw: ":{\"dtype\":\"\(tensor.dtype.name)\",\"shape\":[\(shape)],\"data_offsets\":[\(start),\(end)]}")
    }

    /// The text after its length.
    private static func prefixed(_ text: [UInt8]) throws(Failure) -> [UInt8] {
        guard text.count <= SafetensorsHeader.maximumByteCount else {
            throw Failure(
                .baseInvalid, "the header is too long", expected: "at most \(SafetensorsHeader.maximumByteCount) bytes",
                actual: "\(text.count)")
        }
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
    }
}
