package import Adapters
package import Checkpoints
package import Diagnostics
package import Packaging

/// Whether a lossless delta gives a certain checkpoint: `Spec/deltas.md`, section 2.
package enum Reconstruction {
    /// Compares what the delta promises with the fingerprint of `checkpoint`.
    ///
    /// Throws ``Failure/Code/verificationFailed`` where they differ, with the first tensors that do, and where the
    /// container promises no checkpoint.
    package static func check(
        _ adapter: Adapter, gives checkpoint: Checkpoint, _ fingerprint: BaseFingerprint
    ) throws(Failure) -> Verification.Answer {
        guard adapter.isCheckpointDelta, let promised = adapter.parameters["result_root"]?.string else {
            throw Failure(
                .verificationFailed, "the container promises no checkpoint as its result: it is no lossless delta")
        }
        guard promised == "\(fingerprint.root)" else {
            let wrong = adapter.entries.compactMap { entry -> String? in
                guard let leaf = entry.binding?.resultLeaf else { return nil }
                let found = checkpoint.index(of: entry.key.target).map { fingerprint.leaves[$0] }
                return found == leaf ? nil : entry.key.target
            }
            throw Failure(
                .verificationFailed, "the checkpoint is not the one that the delta gives",
                object: wrong.isEmpty ? nil : wrong.prefix(3).joined(separator: ", "), path: checkpoint.path,
                expected: "root \(promised)", actual: "\(fingerprint.root)")
        }
        return Verification.Answer("the result has the root \(promised)")
    }
}
