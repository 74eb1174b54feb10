package import Diagnostics
package import Files
import JSON
package import Tensors

/// One tensor of a checkpoint, still on disk.
package struct CheckpointTensor: Sendable {
    package let source: SafetensorsSource
    /// Which of ``Checkpoint/shards`` holds it.
    package let shard: Int
    /// Its index in that shard's header.
    package let position: Int

    package var name: String { source.tensor.name }
    package var dtype: DType { source.dtype }
    package var shape: Shape { source.shape }
    package var byteCount: Int { source.byteCount }
}

/// A whole model as Hugging Face's libraries save it: one safetensors file, or a folder with one or with shards and
/// their index. `Spec/base.md` says which files and tensors count.
///
/// Opening reads headers and the index, no tensor. Every shard stays open, so that what is read is what was checked.
package struct Checkpoint: Sendable {
    package struct Shard: Sendable {
        /// Relative to the checkpoint's folder.
        package let name: String
        package let file: SafetensorsFile
    }

    /// As the user named it.
    package let path: String
    /// Where the shards and the files beside them lie.
    package let place: any FolderContent
    /// In the order of their names' bytes.
    package let shards: [Shard]
    /// In the order of their names' bytes; each name once.
    package let tensors: [CheckpointTensor]
    /// The file that says which shard holds what, nil where there is one file of weights and nothing to say.
    package let index: (any FileContent)?
    package let indexName: String?
    /// The files of the folder that go along with the weights, the index among them, by name; none for a single file.
    package let companions: [String]
    package let config: ModelConfig
    /// What the user ought to know about what was left out or taken in.
    package let findings: [Finding]
    /// The bytes of all tensors.
    package let totalBytes: Int
    private let numbers: [ExactKey: Int]

    /// Opens the file or folder at `path`.
    ///
    /// Throws ``Failure/Code/notACheckpoint`` for something else, ``Failure/Code/baseMissingShard``,
    /// ``Failure/Code/basePath`` and ``Failure/Code/baseAmbiguous`` for an index that does not fit its shards, and what
    /// ``SafetensorsFile`` throws.
    package init(path: String) throws(Failure) {
        guard let kind = try Folder.kind(of: path) else {
            throw Failure(
                .notFound, "there is no such file or folder", path: path,
                hint: path.utf8.contains(UInt8(ascii: "/")) ? "a model of a hub must be downloaded first" : nil)
        }
        if kind == .folder {
            try self.init(DiskFolder(path))
        } else {
            try CheckpointListing.checkFile(path)
            let shard = Shard(name: Paths.lastComponent(of: path), file: try SafetensorsFile(InputFile(path: path)))
            try self.init(
                path: path, place: DiskFolder(Paths.parent(of: path)), shards: [shard], index: nil, companions: [],
                config: ModelConfig(), findings: [])
        }
    }

    /// The checkpoint without tensors and files, of which every other can be told as the difference from it.
    package static func nothing() throws(Failure) -> Checkpoint {
        try Checkpoint(
            path: "", place: DiskFolder(""), shards: [], index: nil, companions: [], config: ModelConfig(), findings: []
        )
    }

    /// Opens the checkpoint whose files are those of `folder`; throws as ``init(path:)`` does.
    package init(_ folder: any FolderContent) throws(Failure) {
        try self.init(CheckpointListing(folder))
    }

    private init(_ listing: CheckpointListing) throws(Failure) {
        var shards: [Shard] = []
        for name in listing.weights { shards.append(Shard(name: name, file: try Self.open(name, of: listing))) }
        let (config, finding) = listing.readConfig()
        try self.init(
            path: listing.folder.path, place: listing.folder, shards: shards, index: listing.index,
            companions: listing.companions, config: config, findings: listing.findings + (finding.map { [$0] } ?? []))
    }

    private init(
        path: String, place: any FolderContent, shards: [Shard], index: ShardIndex?, companions: [String],
        config: ModelConfig,
        findings: [Finding]
    ) throws(Failure) {
        var tensors: [CheckpointTensor] = []
        for (shard, opened) in shards.enumerated() {
            for position in opened.file.tensors.indices {
                tensors.append(
                    CheckpointTensor(source: opened.file.source(at: position), shard: shard, position: position))
            }
        }
        tensors.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var numbers: [ExactKey: Int] = [:]
        numbers.reserveCapacity(tensors.count)
        var total = 0
        for (number, tensor) in tensors.enumerated() {
            if let other = numbers.updateValue(number, forKey: ExactKey(tensor.name)) {
                throw Failure(
                    .baseAmbiguous, "the tensor stands in two shards", object: tensor.name, path: path,
                    expected: "one", actual: shards[tensors[other].shard].name + " and " + shards[tensor.shard].name)
            }
            let (sum, overflow) = total.addingReportingOverflow(tensor.byteCount)
            guard !overflow else {
                throw Failure(.totalOverflow, "the tensors have more bytes than fit in 64 bits", path: path)
            }
            total = sum
        }
        self.path = path
        self.place = place
        self.shards = shards
        self.tensors = tensors
        self.index = index?.file
        indexName = index?.name
        self.companions = companions
        self.config = config
        self.numbers = numbers
        totalBytes = total
        self.findings = findings + (index.map { Self.unlisted(tensors, in: $0) } ?? [])
        if let index { try check(against: index) }
    }

    /// Where its files lie.
    package var folder: String { place.path }

    /// Whether it is a single file that the user named, with nothing beside it.
    package var isFile: Bool { folder != path }

    /// Where its files of weights lie.
    package var paths: [String] { shards.map { Paths.joined(folder, $0.name) } }

    package var quantization: String? { config.quantization }
    package var tiesWordEmbeddings: Bool? { config.tiesWordEmbeddings }

    /// The index in ``tensors`` of the tensor with exactly this name.
    package func index(of name: String) -> Int? { numbers[ExactKey(name)] }

    package subscript(_ name: String) -> CheckpointTensor? { index(of: name).map { tensors[$0] } }

    /// Throws ``Failure/Code/changedDuringRead`` where a shard or the index is no longer what it was when it was opened.
    package func checkUnchanged() throws(Failure) {
        for shard in shards { try shard.file.file.checkUnchanged() }
        try index?.checkUnchanged()
    }

    // MARK: The index and the shards

    private static func open(_ name: String, of listing: CheckpointListing) throws(Failure) -> SafetensorsFile {
        let file: any FileContent
        do throws(Failure) {
            file = try listing.folder.file(named: name)
        } catch {
            guard error.code == .notFound else { throw error }
            throw Failure(
                .baseMissingShard, "a shard that the index names is not there", object: name, path: listing.folder.path,
                hint: "complete the download")
        }
        return try SafetensorsFile(file)
    }

    /// What stands in a shard and not in the index counts all the same, because loaders read shards whole.
    private static func unlisted(_ tensors: [CheckpointTensor], in index: ShardIndex) -> [Finding] {
        let names = tensors.map(\.name).filter { index.places[ExactKey($0)] == nil }
        guard let first = names.first else { return [] }
        return [
            Finding(
                "not-in-index", "\(names.count) tensors of the shards are not in \(index.name), and count all the same",
                object: first)
        ]
    }

    /// Throws for the first tensor by name that is not where the index says.
    private func check(against index: ShardIndex) throws(Failure) {
        let misplaced = index.places.filter { name, shard in self[name.string]?.shard != shard }.map(\.key.string)
        guard let name = misplaced.min(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }),
            let shard = index.places[ExactKey(name)]
        else { return }
        throw Failure(
            .baseAmbiguous, "the shard lacks a tensor that the index puts there", object: name, path: path,
            expected: shards[shard].name, actual: self[name].map { shards[$0.shard].name } ?? "it in no shard",
            hint: "the shards and the index are of two models; download them again")
    }
}
