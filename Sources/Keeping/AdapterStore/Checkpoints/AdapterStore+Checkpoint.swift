import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Digests
import Files
import Interchange
import Packaging
import Parallelism

/// How whole checkpoints go in: as what they differ in from one that is there, file by file and to the last byte.
extension AdapterStore {
    /// The checkpoint at `source`, nil where something else is.
    static func checkpoint(at source: String) throws(Failure) -> Checkpoint? {
        guard source != "-" else { return nil }
        switch try Sniff.of(source) {
        case .modelFolder: return try Checkpoint(path: source)
        case .safetensors:
            let checkpoint = try Checkpoint(path: source)
            return checkpoint.tensors.contains { $0.name.contains("lora_") } ? nil : checkpoint
        case .otherFolder: return try? Checkpoint(path: source)
        default: return nil
        }
    }

    /// Writes the difference from the nearest checkpoint of the store, or all of it where none is near.
    func prepare(_ tuned: Checkpoint, _ addition: Addition) throws(Failure) -> Prepared {
        var prepared = Prepared(staging: try stage(), options: addition.options)
        prepared.options.origin = "checkpoint"
        prepared.options.inputBytes = try tuned.fileByteCount()
        prepared.isVerified = true
        prepared.findings = tuned.findings
        let base: StoredObject?
        if let named = addition.base {
            base = try giver(of: object(named))
        } else {
            base = try nearest(to: tuned, lanes: addition.lanes)
        }
        prepared.options.needs = base?.resultRoot
        let container = prepared.staging.container
        let root = try extract(tuned, from: base, addition, to: container)
        // What is there in its very files, whatever it was told from, is what is added.
        for there in try objects(resultingIn: root) where there.state == .whole {
            guard let held = try? checkpoint(of: there), try tuned.hasSameFiles(as: held) else { continue }
            try Folder.remove(container)
            try Self.copy(try open(there), to: container)
            prepared.options.needs = nil
            prepared.isVerified = false
            return prepared
        }
        // Where its very tensors are there in other files, only those need be kept.
        let digest = try Container(InputFile(path: container)).indexDigest
        guard let twin = try original(resultingIn: root), twin.state == .whole, twin.digest != digest,
            twin.digest != base?.digest
        else { return prepared }
        try Folder.remove(container)
        _ = try extract(tuned, from: twin, addition, to: container)
        prepared.options.needs = root
        return prepared
    }

    /// - Returns: The root of the checkpoint.
    private func extract(
        _ tuned: Checkpoint, from base: StoredObject?, _ addition: Addition, to path: String
    ) throws(Failure) -> Digest {
        var job = ExtractJob(lanes: addition.lanes)
        job.compression = addition.compression
        job.progress = addition.progress
        // One link more: what is told from it is a link itself. Its bytes are read from containers, which check them.
        let origin = if let base { try held(by: base, links: 1) } else { try Self.nothing() }
        job.baseFingerprint = origin.fingerprint
        let report: ExtractJob.Report
        do throws(Failure) {
            report = try job.run(base: origin.checkpoint, tuned: tuned, output: path)
        } catch {
            if let base, error.path == layout.object(base.digest) { throw damaged(base, error.description) }
            throw error
        }
        if let base, base.resultRoot != report.baseRoot { throw damaged(base, "it does not give what it promises") }
        guard let root = report.resultRoot else {
            throw Failure(.internal, "a lossless delta has no root", path: tuned.path)
        }
        return root
    }

    /// The object that stands for a checkpoint when it is asked for by its root: of one that is another's in other files,
    /// that other.
    private func giver(of object: StoredObject) throws(Failure) -> StoredObject {
        guard let root = object.resultRoot, object.baseRoot == root else { return object }
        return try original(resultingIn: root) ?? object
    }

    // MARK: The nearest

    /// So many checkpoints are looked at, those first that were used last.
    private static let mostCandidates = 64
    /// A delta that would take more than this part of the checkpoint is not worth depending on another for.
    private static let worthwhileShare = 0.9

    /// Of the checkpoints that stand by themselves, the one from which `tuned` differs least.
    private func nearest(to tuned: Checkpoint, lanes: Lanes) throws(Failure) -> StoredObject? {
        var best: (object: StoredObject, share: Double)?
        for candidate in try catalog.snapshots(limit: Self.mostCandidates) {
            // What is damaged cannot be depended on.
            guard let held = try? checkpoint(of: candidate),
                let share = try? BaseSample.share(of: tuned, from: held, lanes: lanes)
            else {
                try Cancellation.check()
                continue
            }
            if share < min(best?.share ?? 1, Self.worthwhileShare) { best = (candidate, share) }
            if share == 0 { break }
        }
        return best?.object
    }
}

extension Checkpoint {
    /// Whether another checkpoint of the same tensors has them in the same files, with the same files beside them.
    fileprivate func hasSameFiles(as other: Checkpoint) throws(Failure) -> Bool {
        guard shards.count == other.shards.count, companions == other.companions else { return false }
        for (one, another) in zip(shards, other.shards) {
            guard one.name == another.name, one.file.header.bytes == another.file.header.bytes else { return false }
        }
        for name in companions {
            let (one, another) = (try place.file(named: name), try other.place.file(named: name))
            guard one.size == another.size, try BlobDigest.of(one) == BlobDigest.of(another) else { return false }
        }
        return true
    }

    /// The bytes of the weights and of the files that go along with them.
    fileprivate func fileByteCount() throws(Failure) -> Int {
        var total = shards.reduce(0) { $0 + $1.file.header.fileByteCount }
        for name in companions { total += try place.file(named: name).size }
        return total
    }
}
