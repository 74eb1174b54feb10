import Adapters
package import Checkpoints
package import DeltaFormat
package import Diagnostics
import Digests
package import Files
import JSON
import Tensors

/// The files that a lossless delta gives back, computed as they are read and written nowhere.
///
/// A delta from no base at all, a *snapshot*, needs nothing else: so a checkpoint can be read from the container that holds it.
package struct ResultFolder: FolderContent {
    package let path: String
    private let files: [(name: String, content: any FileContent)]

    /// - Parameter base: What the delta was taken from; ``Checkpoint/nothing()`` for a snapshot.
    ///
    /// Throws ``Failure/Code/baseIncompatible`` for a base that cannot be the delta's, and for a delta that is not lossless.
    /// That the base's bytes are the right ones is not checked here: readers that must know compare digests.
    package init(_ delta: Container, onto base: Checkpoint) throws(Failure) {
        path = delta.file.path
        let weighted = WeightedAdapter(
            delta.adapter, contentDigest: delta.contentDigest, path: delta.file.path, weight: 1)
        guard weighted.adapter.isCheckpointDelta, weighted.adapter.parameters["result_root"]?.string != nil else {
            throw Failure(
                .baseIncompatible, "the file does not give a whole checkpoint back", path: delta.file.path,
                hint: "only a lossless delta does, as extract makes it")
        }
        let plan = try ResultPlan([weighted], onto: BaseWatch(base, isWatching: false), dtype: nil)
        guard let output = try OutputPlan(files: weighted.adapter.entries, plan.tensors) else {
            throw Failure(
                .baseIncompatible, "the delta does not say which files its result has", path: delta.file.path)
        }
        var files: [(name: String, content: any FileContent)] = []
        for file in output.shards.files {
            files.append((file.name, ResultShard(file, plan.tensors.map(\.source), of: delta, onto: base)))
        }
        for (name, content) in output.others {
            files.append((name, try Self.other(name, content, of: delta, onto: base)))
        }
        self.files = files.sorted { $0.name.precedesInBytes($1.name) }
    }

    /// A file that lies beside the base's weights, and no other: names come from a stranger.
    private static func companion(_ name: String, of base: Checkpoint) throws(Failure) -> any FileContent {
        guard base.companions.contains(name) else {
            throw Failure(
                .baseIncompatible, "the base lacks a file that the delta takes from it", object: name, path: base.folder
            )
        }
        return try base.place.file(named: name)
    }

    package func entries() throws(Failure) -> [Folder.Entry] {
        files.map { Folder.Entry(name: $0.name, kind: .file, size: $0.content.size) }
    }

    package func file(named name: String) throws(Failure) -> any FileContent {
        guard let found = files.first(where: { $0.name.equalsInBytes(name) }) else {
            throw Failure(.notFound, "the container holds no such file", object: name, path: path)
        }
        return found.content
    }

    private static func other(
        _ name: String, _ content: OutputPlan.Other, of delta: Container, onto base: Checkpoint
    ) throws(Failure) -> any FileContent {
        switch content {
        case .empty: TensorFile(TensorBuffer([]), named: name, of: delta)
        case .bytes(let source): TensorFile(source, named: name, of: delta)
        case .copy(let original, _): try Self.companion(original, of: base)
        }
    }
}

extension Container {
    /// Whether it is a delta from no base at all.
    package var isSnapshot: Bool {
        let bases = adapter.bases
        return adapter.isCheckpointDelta && bases.count == 1 && bases[0].tensorCount == 0
    }
}

extension BaseFingerprint {
    /// That of the checkpoint which a lossless delta gives back, where the digests of what the delta holds tell it: of a
    /// snapshot, and of a delta that stores tensors whole. Nil where something would have to be computed, and where the root
    /// is not the one that the delta states.
    ///
    /// Nothing is read: who relies on it must check what is read, as a container's checksums do.
    package init?(of result: Checkpoint, by delta: Container, from base: Checkpoint, _ known: BaseFingerprint) {
        let adapter = delta.adapter
        var stored: [ExactKey: Digest] = [:]
        var aliases: [ExactKey: String] = [:]
        var number = 0
        for entry in adapter.entries {
            let key = ExactKey(entry.key.target)
            switch (entry.key.kind, entry.tensors.count) {
            case (.full, 0): stored[key] = TensorDigest.data([])
            case (.full, 1): stored[key] = delta.index.tensors[number].digest
            case (.alias, 0): aliases[key] = entry.parameters["of"]?.string
            case (.removed, _), (.file, _): break
            default: return nil
            }
            number += entry.tensors.count
        }
        var leaves: [Digest] = []
        for tensor in result.tensors {
            let name = aliases[tensor.name] ?? tensor.name
            if let data = stored[name] {
                leaves.append(Self.leaf(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, data: data))
            } else if name == tensor.name, let number = base.index(of: name) {
                leaves.append(known.leaves[number])
            } else {
                return nil
            }
        }
        self.init(of: result, leaves: leaves)
        guard adapter.parameters["result_root"]?.string == "\(root)" else { return nil }
    }
}

extension Checkpoint {
    /// The checkpoint that a snapshot holds; throws as ``ResultFolder/init(_:onto:)``.
    package init(snapshot: Container) throws(Failure) {
        try self.init(ResultFolder(snapshot, onto: .nothing()))
    }
}
