import Adapters
import Checkpoints
import Diagnostics
import Digests
import Files
import JSON
import Parallelism
import Tensors

/// Which files a result goes into, with every byte that is no tensor's.
struct OutputPlan: Sendable {
    /// A file that holds no tensors.
    enum Other: Sendable {
        /// One of the base's folder; its SHA-256 where that is known beforehand.
        case copy(of: String, digest: String?)
        case bytes(any TensorSource)
        case empty
    }

    let shards: ShardPlan
    let others: [(name: String, content: Other)]

    /// The files of the base, with the tensors that are there now, or shards of a size of their own.
    ///
    /// - Parameter config: What `config.json` then is, if it is not the base's.
    init(
        following base: Checkpoint, _ tensors: [ResultTensor], shardByteCount: Int?, config: HeadConfig? = nil
    ) throws(Failure) {
        let descriptions = tensors.map(\.description)
        if let shardByteCount {
            shards = try ShardPlan(descriptions, maximumShardByteCount: shardByteCount)
        } else {
            shards = try ShardPlan(descriptions, following: base)
        }
        var others: [(name: String, content: Other)] = []
        for name in base.companions where name != base.indexName {
            if let config, name == HeadConfig.name {
                others.append((name, .bytes(TensorBuffer(config.bytes))))
            } else {
                others.append((name, .copy(of: name, digest: nil)))
            }
        }
        self.others = others
    }

    /// The files that a lossless delta gives back; nil where it says nothing of files.
    init?(files entries: [AdapterEntry], _ tensors: [ResultTensor]) throws(Failure) {
        var numbers: [ExactKey: Int] = [:]
        for (number, tensor) in tensors.enumerated() { numbers[ExactKey(tensor.name)] = number }
        var files: [ShardPlan.File] = []
        var others: [(name: String, content: Other)] = []
        for entry in entries where entry.key.kind == .file {
            let name = entry.key.target
            try Self.check(name)
            switch entry.parameters["layout"]?.string ?? "verbatim" {
            case "checkpoint": files.append(try Self.shard(entry, tensors, numbers))
            case "base":
                others.append(
                    (
                        name,
                        .copy(
                            of: entry.parameters["from"]?.string ?? name, digest: entry.parameters["digest"]?.string)
                    ))
            default: others.append((name, entry[.value].map { .bytes($0) } ?? .empty))
            }
        }
        guard !files.isEmpty else { return nil }
        let places = files.flatMap(\.tensors)
        let written = Set(places)
        guard places.count == written.count else {
            throw Failure(.baseIncompatible, "a tensor of the result is in two of the delta's files")
        }
        guard written.count == tensors.count else {
            let lost = tensors.indices.first { !written.contains($0) }.map { tensors[$0].name }
            throw Failure(.baseIncompatible, "a tensor of the result is in none of the delta's files", object: lost)
        }
        shards = try ShardPlan(files: files)
        self.others = others
    }

    /// A file's name leads nowhere but into the output, and hides nothing there.
    private static func check(_ name: String) throws(Failure) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }), !name.utf8.contains(UInt8(ascii: "\\")) else {
            throw Failure(.badName, "not a name for a file of a checkpoint", object: name)
        }
    }

    private static func shard(
        _ entry: AdapterEntry, _ tensors: [ResultTensor], _ numbers: [ExactKey: Int]
    ) throws(Failure) -> ShardPlan.File {
        let name = entry.key.target
        guard let frame = entry[.frame], let size = entry.parameters["size"]?.int,
            frame.byteCount <= SafetensorsHeader.maximumByteCount + 8
        else {
            throw Failure(.badParameter, "the delta's file lacks its header or its size", object: name)
        }
        let bytes = try frame.readAll()
        let header = try SafetensorsHeader(parsing: bytes, fileByteCount: size, path: name)
        var members: [Int] = []
        for position in header.offsetOrder {
            let described = header.tensors[position]
            guard let number = numbers[ExactKey(described.name)] else {
                throw Failure(
                    .baseIncompatible, "the result lacks a tensor of the delta's file \(name)", object: described.name)
            }
            let source = tensors[number].source
            guard source.dtype == described.dtype, source.shape == described.shape else {
                throw Failure(
                    .baseIncompatible, "a tensor of the result is not what the delta's file \(name) says",
                    object: described.name, expected: "\(described.dtype.name) \(described.shape)",
                    actual: "\(source.dtype.name) \(source.shape)")
            }
            members.append(number)
        }
        return ShardPlan.File(
            name: name, headerBytes: bytes, tensors: members,
            starts: header.offsetOrder.map { header.tensors[$0].range.lowerBound }, byteCount: size)
    }

    /// All names of files, weights first.
    var names: [String] { shards.files.map(\.name) + (shards.index.map { [$0.name] } ?? []) + others.map(\.name) }

    /// Whether the result is a single file: where the base is one, and the output is named like one.
    ///
    /// Throws ``Failure/Code/usage`` where it would be, but is of several files.
    func isFile(at output: String, of base: Checkpoint) throws(Failure) -> Bool {
        guard base.isFile, output.hasSuffix(".safetensors") else { return false }
        guard names.count == 1 else {
            throw Failure(
                .usage, "the result has \(names.count) files, which do not go into one", path: output,
                hint: "name a folder, without .safetensors")
        }
        return true
    }

    // MARK: Writing what holds no tensors

    func writeOthers(from base: Checkpoint, to folder: OutputFolder) throws(Failure) {
        for (name, content) in others {
            let output = try folder.file(named: name)
            switch content {
            case .empty: break
            case .bytes(let source): try Self.copy(source, to: output)
            case .copy(let original, let digest): try Self.copy(original, digest, of: base, to: output)
            }
            try output.commit()
        }
    }

    private static func copy(_ source: any TensorSource, to output: OutputFile) throws(Failure) {
        for offset in stride(from: 0, to: source.byteCount, by: 1 << 20) {
            let bytes = try source.read(at: offset, count: min(1 << 20, source.byteCount - offset))
            try unsafe output.write(bytes.span.bytes)
        }
    }

    private static func copy(
        _ name: String, _ digest: String?, of base: Checkpoint, to output: OutputFile
    ) throws(Failure) {
        guard base.companions.contains(name) else {
            throw Failure(
                .baseIncompatible, "the base lacks a file that the delta takes from it", object: name,
                path: base.folder, hint: "get the base's folder whole, with its config and tokenizer")
        }
        let input = try base.place.file(named: name)
        var hash = SHA256()
        for offset in stride(from: 0, to: input.size, by: 1 << 20) {
            try Cancellation.check()
            let bytes = try input.read(at: offset, count: min(1 << 20, input.size - offset))
            hash.update(bytes)
            try unsafe output.write(bytes.span.bytes)
        }
        try input.checkUnchanged()
        let found = hash.finish()
        guard digest == nil || digest == "\(found)" else {
            throw Failure(
                .baseMismatch, "a file of the base is not the one that the delta was made from", object: name,
                path: base.folder, expected: digest, actual: "\(found)")
        }
    }
}
