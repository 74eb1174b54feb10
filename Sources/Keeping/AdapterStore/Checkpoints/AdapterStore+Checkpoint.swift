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
        let container = prepared.staging.container
        let (base, root) = try extract(tuned, addition, to: container, &prepared.findings)
        prepared.options.needs = base?.resultRoot
        // What is there in its very files, whatever it was told from, is what is added; of its very tensors in other files, only
        // those need be kept.
        for there in try objects(resultingIn: root) where there.state == .whole {
            guard try gives(there, root, lanes: addition.lanes) else { continue }
            if try tuned.hasSameFiles(as: checkpoint(of: there)) {
                try Folder.remove(container)
                try Self.copy(try open(there), to: container)
                prepared.options.needs = nil
                prepared.isVerified = false
                return prepared
            }
            if there.baseRoot == root || there.digest == base?.digest { continue }
            try Folder.remove(container)
            _ = try extract(tuned, from: there, addition, to: container)
            prepared.options.needs = root
            return prepared
        }
        return prepared
    }

    /// Tells the checkpoint from the base that is named, or else from the nearest that can be read.
    ///
    /// - Returns: The base, nil where there is none, and the root of the checkpoint.
    private func extract(
        _ tuned: Checkpoint, _ addition: Addition, to path: String, _ findings: inout [Finding]
    ) throws(Failure) -> (base: StoredObject?, root: Digest) {
        if let named = addition.base {
            let base = try giver(of: object(named))
            return (base, try extract(tuned, from: base, addition, to: path))
        }
        var damaged: Set<Digest> = []
        while let base = try nearest(to: tuned, except: damaged, lanes: addition.lanes) {
            do throws(Failure) {
                return (base, try extract(tuned, from: base, addition, to: path))
            } catch {
                guard error.code == .objectDamaged, damaged.insert(base.digest).inserted else { throw error }
                findings.append(Finding("base-damaged", "a base in the store is damaged: \(error.description)"))
            }
        }
        return (nil, try extract(tuned, from: nil, addition, to: path))
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
    private func nearest(
        to tuned: Checkpoint, except damaged: Set<Digest>, lanes: Lanes
    ) throws(Failure) -> StoredObject? {
        var best: (object: StoredObject, share: Double)?
        for candidate in try catalog.snapshots(limit: Self.mostCandidates) where !damaged.contains(candidate.digest) {
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
