import Adapters
import Diagnostics
import Files
import Tensors

/// A file whose tensors were cut out of it: `frame` is what is left, `splices` U64 [k, 2] say where tensors go back.
///
/// Each row is an offset in the finished file and the number of a tensor, counted over the entries that are no files, by
/// key and role. Tensors that do not lie in the file in one piece, or that share their bytes, stay in the frame.
enum SplicedFile {
    /// The entry that keeps `file`.
    static func entry(
        of file: InputFile, tensors: [TorchFile.Tensor], adapter: Adapter
    ) throws(Failure) -> AdapterEntry {
        let numbers = try numbers(of: tensors.map(\.name), adapter)
        var cuts: [(range: Range<Int>, number: Int)] = []
        for (tensor, number) in zip(tensors, numbers) {
            guard let number, !tensor.sharesStorage, let range = tensor.source.fileRange, !range.isEmpty else {
                continue
            }
            cuts.append((range, number))
        }
        cuts.sort { $0.range.lowerBound < $1.range.lowerBound }
        var pieces: [Range<Int>] = []
        var end = 0
        var splices: [UInt8] = []
        var count = 0
        for cut in cuts where cut.range.lowerBound >= end {
            if cut.range.lowerBound > end { pieces.append(end..<cut.range.lowerBound) }
            end = cut.range.upperBound
            for value in [cut.range.lowerBound, cut.number] {
                splices += (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            }
            count += 1
        }
        if end < file.size { pieces.append(end..<file.size) }
        var roles = [RoleTensor(.frame, FilePieces(file, pieces))]
        if count > 0 {
            roles.append(RoleTensor(.splices, try TensorBuffer(dtype: .u64, shape: [count, 2], bytes: splices)))
        }
        return AdapterEntry(
            key: EntryKey(PEFTFolder.pickleName, .file),
            parameters: ["layout": "splice", "size": .int(Int64(file.size))], tensors: roles)
    }

    /// The number of the tensor that each key of the file means.
    private static func numbers(of names: [String], _ adapter: Adapter) throws(Failure) -> [Int?] {
        var numbers: [EntryKey: [Role: Int]] = [:]
        var count = 0
        for entry in adapter.entries where entry.key.kind != .file {
            for tensor in entry.tensors {
                numbers[entry.key, default: [:]][tensor.role] = count
                count += 1
            }
        }
        let reader = PEFTMethod.of(method: adapter.method).map {
            KeyReader($0, adapter.parameters, keys: names)
        }
        var found: [Int?] = []
        for name in names {
            let key = try reader?.read(name).key
            found.append(numbers[key?.entry ?? EntryKey(name, .opaque)]?[key?.role ?? .value])
        }
        return found
    }

    // MARK: Back again

    /// Writes the file.
    ///
    /// Throws ``Failure/Code/badParameter`` for splices that do not ascend, name no tensor or one twice, and where `size`
    /// is not that of the frame and the tensors together, ``Failure/Code/tooLarge`` for more rows than tensors.
    static func write(_ entry: AdapterEntry, of adapter: Adapter, to folder: OutputFolder) throws(Failure) {
        let name = entry.key.target
        guard let frame = entry[.frame] else {
            throw Failure(.kindShape, "a spliced file has no frame", object: name)
        }
        let sources = adapter.entries.filter { $0.key.kind != .file }.flatMap(\.tensors).map(\.source)
        let splices = try self.splices(entry, sources: sources, frameByteCount: frame.byteCount)
        let file = try folder.file(named: name)
        var end = 0
        var used = 0
        for splice in splices {
            let gap = splice.offset - end
            try copy(frame, used..<used + gap, to: file)
            let source = sources[splice.number]
            try copy(source, 0..<source.byteCount, to: file)
            used += gap
            end = splice.offset + source.byteCount
        }
        try copy(frame, used..<frame.byteCount, to: file)
        try file.commit()
    }

    /// The rows of `splices`, which name each tensor once at most and fill the file together with the frame.
    private static func splices(
        _ entry: AdapterEntry, sources: [any TensorSource], frameByteCount: Int
    ) throws(Failure) -> [(offset: Int, number: Int)] {
        let name = entry.key.target
        guard let size = entry.parameters["size"]?.int, size >= frameByteCount else {
            throw Failure(.badParameter, "a spliced file does not say its size, or one below its frame's", object: name)
        }
        let bytes = try entry[.splices]?.readAll(atMost: 16 * sources.count, of: name) ?? []
        guard bytes.count % 16 == 0 else { throw Failure(.kindShape, "splices are no pairs", object: name) }
        func value(_ place: Int) -> Int? {
            Int(exactly: bytes[place..<place + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        var splices: [(offset: Int, number: Int)] = []
        var isUsed = [Bool](repeating: false, count: sources.count)
        var (end, left) = (0, frameByteCount)
        for place in stride(from: 0, to: bytes.count, by: 16) {
            func fail(_ what: String) -> Failure {
                Failure(.badParameter, "row \(place / 16) of the splices \(what)", object: name)
            }
            guard let offset = value(place), let number = value(place + 8), number < sources.count else {
                throw fail("names a tensor that is not there")
            }
            guard !isUsed[number] else { throw fail("names a tensor for the second time") }
            guard offset >= end, offset - end <= left, offset > splices.last?.offset ?? -1 else {
                throw fail("does not ascend, or leaves the frame")
            }
            let sum = offset.addingReportingOverflow(sources[number].byteCount)
            guard !sum.overflow, sum.partialValue <= size else { throw fail("leaves the file") }
            isUsed[number] = true
            left -= offset - end
            end = sum.partialValue
            splices.append((offset, number))
        }
        guard size - end == left else {
            throw Failure(
                .badParameter, "the frame and the tensors do not fill the file", object: name,
                expected: "\(size) bytes", actual: "\(end) and \(left)",
                hint: "--ignore-original makes the file anew")
        }
        return splices
    }

    /// Appends a stretch of a tensor to a file, 1 MiB at a time.
    static func copy(_ source: any TensorSource, _ range: Range<Int>, to file: OutputFile) throws(Failure) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            try Cancellation.check()
            let bytes = try source.read(at: offset, count: min(1 << 20, range.upperBound - offset))
            try unsafe file.write(bytes.span.bytes)
            offset += bytes.count
        }
    }
}
