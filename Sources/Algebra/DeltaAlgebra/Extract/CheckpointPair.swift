import Checkpoints
import Diagnostics
import Digests
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

    init(base: Checkpoint, tuned: Checkpoint, lanes: Lanes) throws(Failure) {
        self.base = base
        self.tuned = tuned
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
        findings = try PairScan(lanes: lanes).run(pairs)

        var baseData = [Digest?](repeating: nil, count: base.tensors.count)
        var tunedData = [Digest?](repeating: nil, count: tuned.tensors.count)
        for (pair, found) in zip(pairs, findings) {
            baseData[pair.baseNumber] = found.base
            if pair.added == nil { tunedData[pair.tunedNumber] = found.tuned }
        }
        self.tunedData = try Self.complete(tunedData, of: tuned, lanes: lanes)
        baseFingerprint = BaseFingerprint(of: base, data: try Self.complete(baseData, of: base, lanes: lanes))
        tunedFingerprint = BaseFingerprint(of: tuned, data: self.tunedData)
        try checkUnchanged()
    }

    private static func complete(
        _ known: [Digest?], of checkpoint: Checkpoint, lanes: Lanes
    ) throws(Failure) -> [Digest] {
        let missing = known.indices.filter { known[$0] == nil }
        var read = try DataDigests.take(of: missing.map { checkpoint.tensors[$0].source }, lanes: lanes)[...]
        return known.map { $0 ?? read.removeFirst() }
    }

    func checkUnchanged() throws(Failure) {
        try base.checkUnchanged()
        try tuned.checkUnchanged()
    }
}
