import Checkpoints
import Diagnostics
import Digests
import Files
import Packaging
import Parallelism

/// Writes a checkpoint whose tensors come of another one, and proves it before it appears.
struct ResultWriter: Sendable {
    let lanes: Lanes
    let replaces: Bool
    let isDryRun: Bool

    /// Writes into the files that the watched checkpoint has.
    ///
    /// - Parameter prove: Is given the fingerprint of what was read and the root of what was written; what it throws
    ///   leaves nothing behind.
    func write(
        _ tensors: [ResultTensor], changedCount: Int, _ watch: BaseWatch, findings: [Finding], output: String,
        prove: (_ base: BaseFingerprint, _ root: Digest) throws(Failure) -> Void
    ) throws(Failure) -> UnapplyJob.Report {
        var times = StageTimes()
        let base = watch.base
        try Outputs.checkApart(output, from: base.paths)
        try Outputs.checkFree(output, replaces: replaces)
        let files = try OutputPlan(following: base, tensors, shardByteCount: nil)
        func report(_ root: Digest) -> UnapplyJob.Report {
            UnapplyJob.Report(
                files: files.names, byteCount: files.shards.byteCount, tensorCount: tensors.count,
                changedCount: changedCount, resultRoot: root, findings: findings,
                memoryBytes: Outputs.memory(lanes: lanes), times: times)
        }
        if isDryRun { return report(.zero) }
        let folder = try OutputFolder.create(at: output, replacing: replaces)
        let results = ResultWatch(tensors)
        try CheckpointWriter.write(
            files.shards, sources: tensors.map(\.source), to: folder, lanes: lanes,
            observer: { results.observer($0.tensors) })
        try files.writeOthers(from: base, to: folder)
        times.end("write")
        let digests = try watch.digests(lanes: lanes)
        let root = MerkleTree.root(of: results.leaves(base: digests))
        try prove(BaseFingerprint(of: base, data: digests), root)
        try base.checkUnchanged()
        times.end("verify")
        try folder.commit()
        times.end("commit")
        return report(root)
    }
}
