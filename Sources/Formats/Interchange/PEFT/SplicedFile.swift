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

    /// Writes the file; false where the tensors are no longer those that were cut out.
    ///
    /// Throws ``Failure/Code/badFrame`` for splices that do not ascend or name no tensor.
    static func write(_ entry: AdapterEntry, of adapter: Adapter, to folder: OutputFolder) throws(Failure) -> Bool {
        guard let frame = entry[.frame] else {
            throw Failure(.badFrame, "a spliced file has no frame", object: entry.key.target)
        }
        let sources = adapter.entries.filter { $0.key.kind != .file }.flatMap(\.tensors).map(\.source)
        let splices = try self.splices(entry[.splices], count: sources.count)
        let byteCount = splices.reduce(frame.byteCount) { $0 + sources[$1.number].byteCount }
        if let size = entry.parameters["size"]?.int, size != byteCount { return false }
        let file = try folder.file(named: entry.key.target)
        var position = 0
        var used = 0
        for splice in splices {
            let gap = splice.offset - position
            guard gap >= 0, gap <= frame.byteCount - used else {
                throw Failure(.badFrame, "the splices of a file do not fit its frame", object: entry.key.target)
            }
            try copy(frame, used..<used + gap, to: file)
            let source = sources[splice.number]
            try copy(source, 0..<source.byteCount, to: file)
            used += gap
            position = splice.offset + source.byteCount
        }
        try copy(frame, used..<frame.byteCount, to: file)
        try file.commit()
        return true
    }

    private static func splices(
        _ source: (any TensorSource)?, count: Int
    ) throws(Failure) -> [(offset: Int, number: Int)] {
        let bytes = try source?.readAll() ?? []
        var splices: [(offset: Int, number: Int)] = []
        func value(_ place: Int) -> Int? {
            Int(exactly: bytes[place..<place + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        for place in stride(from: 0, to: bytes.count - 15, by: 16) {
            guard let offset = value(place), let number = value(place + 8), number < count else {
                throw Failure(.badFrame, "a splice names a tensor that is not there")
            }
            splices.append((offset, number))
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
