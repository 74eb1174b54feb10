package import Checkpoints
package import Diagnostics
package import Parallelism
import Synchronization
import Tensors

/// How near one checkpoint is to another, told from a few stretches of both.
package enum BaseSample {
    /// Of the tensors that both have, so many are looked at.
    private static let tensorCount = 24

    /// What a lossless delta of `tuned` from `base` would take, as a share of what `tuned` takes by itself: 0 where they
    /// are equal as far as was seen, about 1 where one tells nothing of the other. Reads some MiB of both.
    package static func share(of tuned: Checkpoint, from base: Checkpoint, lanes: Lanes) throws(Failure) -> Double {
        var pairs: [TensorPair] = []
        for (number, tensor) in tuned.tensors.enumerated() where tensor.byteCount > 0 {
            guard let other = base.index(of: tensor.name),
                let pair = TensorPair(base: base.tensors[other], number: other, tuned: tensor, number: number)
            else { continue }
            pairs.append(pair)
        }
        let shared = pairs.reduce(0) { $0 + $1.tuned.byteCount }
        guard shared > 0 else { return 1 }
        let chosen = spread(pairs, byteCount: shared)
        let sampled = Mutex([(difference: Double, own: Double)](repeating: (0, 0), count: chosen.count))
        try lanes.forEach(chosen.count) { _, number throws(Failure) in
            let pair = chosen[number]
            // Past its middle: what comes first in an embedding may be rows that nothing trains.
            let element = pair.base.byteCount / ElementKind(pair.base.dtype).width / 2
            let found = try LosslessChoice.sampledBits(pair, from: element)
            sampled.withLock { $0[number] = found }
        }
        // In their order, for sums of floats depend on it.
        let bits = sampled.withLock {
            $0.reduce((difference: 0, own: 0)) { ($0.difference + $1.difference, $0.own + $1.own) }
        }
        let ratio = bits.own > 0 ? min(1, bits.difference / bits.own) : bits.difference > 0 ? 1 : 0
        return 1 - (1 - ratio) * Double(shared) / Double(tuned.totalBytes)
    }

    /// Some of the pairs, evenly by their bytes, each once.
    private static func spread(_ pairs: [TensorPair], byteCount: Int) -> [TensorPair] {
        // A pair is chosen where a mark of an even scale falls into it.
        let scale = Double(tensorCount) / Double(byteCount)
        var chosen: [TensorPair] = []
        var passed = 0
        for pair in pairs {
            let before = passed
            passed += pair.tuned.byteCount
            if (Double(passed) * scale).rounded(.down) > (Double(before) * scale).rounded(.down) { chosen.append(pair) }
        }
        return chosen
    }
}
