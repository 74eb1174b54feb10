import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Digests
import Files
import Parallelism

/// Whether containers of whole checkpoints give back what they state: others are told from them, or not kept beside them.
extension AdapterStore {
    /// Throws ``Failure/Code/digestMismatch`` where a container does not give back the checkpoint that it states.
    ///
    /// A snapshot is judged by its index. What is made on another checkpoint is computed, where that is there and whole; else it
    /// cannot be judged, and this returns.
    func prove(
        _ container: Container, beside staged: [Digest: String] = [:], lanes: Lanes
    ) throws(Failure) {
        guard let root = ObjectFacts(container).resultRoot else { return }
        let found: Digest
        do throws(Failure) {
            found = try self.root(of: held(in: container, beside: staged), lanes: lanes)
        } catch {
            try Cancellation.check()
            // It is the base that is missing or damaged, or is not what it should be.
            guard ObjectFacts(container).baseRoot != nil else { throw error }
            return
        }
        guard found != root else { return }
        throw Failure(
            .digestMismatch, "the container does not give back the checkpoint that it states",
            path: container.file.path, expected: "a checkpoint of root \(root)", actual: "\(found)",
            hint: "take the delta anew: tenon extract")
    }

    /// Whether an object gives back the checkpoint of this root; all of it is read.
    func gives(_ object: StoredObject, _ root: Digest, lanes: Lanes) throws(Failure) -> Bool {
        do throws(Failure) {
            let held = try held(by: object)
            return try BaseFingerprint(of: held.checkpoint, lanes: lanes).root == root
        } catch {
            try Cancellation.check()
            return false
        }
    }

    private func root(of held: HeldCheckpoint, lanes: Lanes) throws(Failure) -> Digest {
        if let fingerprint = held.fingerprint { return fingerprint.root }
        return try BaseFingerprint(of: held.checkpoint, lanes: lanes).root
    }
}
