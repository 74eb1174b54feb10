import Checkpoints
import Diagnostics
import Packaging

extension ResultWriter {
    /// Writes a result into files like those of the watched checkpoint: what `unapply` and `switch` do.
    ///
    /// - Parameter prove: Is given the digests of what was read and written; what it throws leaves nothing behind.
    func exchange(
        _ tensors: [ResultTensor], changed: Int, from watch: BaseWatch, findings: [Finding], output: String,
        isDryRun: Bool, prove: (Proof) throws(Failure) -> Void
    ) throws(Failure) -> UnapplyJob.Report {
        var times = StageTimes()
        try Outputs.checkApart(output, from: watch.base.paths)
        try Outputs.checkFree(output, replaces: replaces)
        let files = try OutputPlan(following: watch.base, tensors, shardByteCount: nil)
        _ = try files.isFile(at: output, of: watch.base)
        times.end("plan")
        var proof: Proof?
        if !isDryRun {
            proof = try write(
                files, tensors, from: watch, to: output, taking: .baseAndResult, times: &times
            ) { proof, times throws(Failure) in
                try prove(proof)
                times.end("verify")
                return nil
            }.proof
        }
        return UnapplyJob.Report(
            files: files.names, byteCount: files.shards.byteCount, tensorCount: tensors.count, changedCount: changed,
            resultRoot: proof?.result?.root, findings: findings, memoryBytes: Outputs.memory(lanes: lanes),
            times: times)
    }
}
