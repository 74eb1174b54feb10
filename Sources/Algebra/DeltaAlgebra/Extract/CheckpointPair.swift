import Checkpoints
import Diagnostics
import Digests
import Packaging
import Parallelism
import Tensors

/// A base and a checkpoint tuned from it, read once: what is equal, what differs, and both fingerprints.
struct CheckpointPair: Sendable {
    let base: Checkpoint
    let tuned: Checkpoint
    /// Tensors that both have in one type and shape, but for rows beyond the base's.
    let pairs: [TensorPair]
    /// For each pair.
    let findings: [PairFindings]
    let baseFingerprint: BaseFingerprint
    let tunedFingerprint: BaseFingerprint
    /// Numbers of the base's tensors without a name in the tuned checkpoint.
    let removed: [Int]
    /// Numbers of the tuned checkpoint's tensors that are in no pair.
    let unpaired: [Int]
    /// The digests of the tuned checkpoint's data.
    let tunedData: [Digest]
    let lanes: Lanes

    /// - Parameter known: The base's fingerprint, where its bytes are checked as they are read: then nothing of it is
    ///   hashed, and most of it not read.
    init(
        base: Checkpoint, known: BaseFingerprint? = nil, tuned: Checkpoint, lanes: Lanes, progress: Progress? = nil
    ) throws(Failure) {
        self.base = base
        self.tuned = tuned
        self.lanes = lanes
        var pairs: [TensorPair] = []
        var unpaired: [Int] = []
        for (number, tensor) in tuned.tensors.enumerated() {
            if let other = base.index(of: tensor.name),
                let pair = TensorPair(
                    base: base.tensors[other], number: other, tuned: tensor, number: number)
            {
                pairs.append(pair)
            } else {
                unpaired.append(number)
            }
        }
        self.pairs = pairs
        self.unpaired = unpaired
        removed = base.tensors.indices.filter { tuned.index(of: base.tensors[$0].name) == nil }
        findings = try PairScan(lanes: lanes, hashesBase: known == nil, progress: progress).run(pairs)

        var baseData = [Digest?](repeating: nil, count: base.tensors.count)
        var tunedData = [Digest?](repeating: nil, count: tuned.tensors.count)
        for (pair, found) in zip(pairs, findings) {
            baseData[pair.baseNumber] = found.base
            if pair.added == nil { tunedData[pair.tunedNumber] = found.tuned }
        }
        self.tunedData = try Self.complete(tunedData, of: tuned, lanes: lanes, progress: progress)
        baseFingerprint =
            if let known { known } else {
                BaseFingerprint(of: base, data: try Self.complete(baseData, of: base, lanes: lanes))
            }
        tunedFingerprint = BaseFingerprint(of: tuned, data: self.tunedData)
        try checkUnchanged()
    }

    private static func complete(
        _ known: [Digest?], of checkpoint: Checkpoint, lanes: Lanes, progress: Progress? = nil
    ) throws(Failure) -> [Digest] {
        let missing = known.indices.filter { known[$0] == nil }
        let sources = missing.map { checkpoint.tensors[$0].source }
        var read = try DataDigests.take(of: sources, lanes: lanes) { progress?.note($0) }[...]
        return known.map { $0 ?? read.removeFirst() }
    }

    /// The bytes of the tuned checkpoint's tensors that must be read once more to be stored.
    var changedByteCount: Int {
        zip(pairs, findings).reduce(unpaired.reduce(0) { $0 + tuned.tensors[$1].byteCount }) { sum, next in
            next.1.changes > 0 || next.0.added != nil ? sum + tuned.tensors[next.0.tunedNumber].byteCount : sum
        }
    }

    func checkUnchanged() throws(Failure) {
        try base.checkUnchanged()
        try tuned.checkUnchanged()
    }
}
