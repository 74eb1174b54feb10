import CKernels
package import Checkpoints
package import Diagnostics
import JSON
package import Parallelism
import Tensors

/// Compares what adapters make of a base with a checkpoint: how near base + X is to what X was to imitate.
///
/// Figures are of two changes of the base: W is the checkpoint's, W′ that of the adapters in fp32, before rounding to the
/// base's type. Memory: a few blocks a lane, and the factors of as many tensors as there are lanes.
package struct TunedDiff: Sendable {
    package let lanes: Lanes

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Throws ``Failure/Code/baseIncompatible`` where the base lacks what the adapters change,
    /// ``Failure/Code/notMergeable``, ``Failure/Code/usage`` for a lossless delta, and what reading throws.
    package func run(
        _ adapters: [WeightedAdapter], onto base: Checkpoint, _ tuned: Checkpoint
    ) throws(Failure) -> DiffReport {
        if let delta = adapters.first(where: \.adapter.isCheckpointDelta) {
            throw Failure(
                .usage, "a delta of checkpoints is compared as the checkpoint that it gives", path: delta.path,
                hint: "tenon apply it and compare the result; verify --reconstructs compares the digests")
        }
        let plan = try ResultPlan(adapters, onto: BaseWatch(base, isWatching: false), dtype: .f32)
        var results: [ExactKey: any TensorSource] = [:]
        for tensor in plan.tensors where plan.changed[tensor.name] != nil {
            results[ExactKey(tensor.name)] = tensor.source
        }
        let made = Set(plan.made.map(ExactKey.init))
        var tensors: [TensorDiff] = []
        var works: [(name: String, elements: ChangePair)] = []
        for tensor in base.tensors {
            let before = TensorDiff.Form(tensor.source)
            guard let partner = tuned[tensor.name] else {
                tensors.append(TensorDiff(name: tensor.name, status: .removed, before: before, after: nil))
                continue
            }
            let after = TensorDiff.Form(partner.source)
            if made.contains(ExactKey(tensor.name)), let result = results[tensor.name] {
                // There is no change of the base's to compare: both put another tensor in its place.
                let status: TensorDiff.Status =
                    try Self.areSame(result, partner.source)
                    ? .equal : before.shape == after.shape ? .changed : .reshaped
                tensors.append(TensorDiff(name: tensor.name, status: status, before: before, after: after))
            } else if before.shape != after.shape {
                tensors.append(TensorDiff(name: tensor.name, status: .reshaped, before: before, after: after))
            } else if !FloatPair.canHold(tensor.source, partner.source) {
                var status = TensorDiff.Status.dtype
                if before.dtype == after.dtype {
                    status = try tensor.source.hasSameBytes(as: partner.source) ? .equal : .changed
                }
                tensors.append(TensorDiff(name: tensor.name, status: status, before: before, after: after))
            } else {
                works.append(
                    (
                        tensor.name,
                        ChangePair(
                            base: tensor.source, tuned: partner.source, result: results[ExactKey(tensor.name)])
                    ))
            }
        }
        for tensor in tuned.tensors where base.index(of: tensor.name) == nil {
            tensors.append(
                TensorDiff(name: tensor.name, status: .added, before: nil, after: TensorDiff.Form(tensor.source)))
        }
        var total = DiffSums()
        for (work, found) in zip(works, try ElementScan(lanes: lanes).run(works.map(\.elements))) {
            total += found.sums
            let form = TensorDiff.Form(dtype: work.elements.base.dtype, shape: work.elements.base.shape)
            tensors.append(
                TensorDiff(
                    name: work.name, status: found.isEqual ? .equal : .changed, before: form,
                    after: TensorDiff.Form(work.elements.tuned), figures: found.sums.figures))
        }
        tensors.sort { $0.name.precedesInBytes($1.name) }
        try base.checkUnchanged()
        try tuned.checkUnchanged()
        return DiffReport(subject: .changes, tensors: tensors, total: total.figures)
    }

    /// Whether a tensor of fp32 is what another is once it is widened.
    private static func areSame(_ result: any TensorSource, _ tuned: any TensorSource) throws(Failure) -> Bool {
        guard result.shape == tuned.shape, FloatElements.canHold(tuned.dtype) else { return false }
        return try result.hasSameBytes(as: tuned.dtype == .f32 ? tuned : ConvertedTensor(tuned, to: .f32))
    }
}

/// The changes that a checkpoint and adapters make of a base's tensor.
private struct ChangePair: ComparedElements {
    let base: any TensorSource
    let tuned: any TensorSource
    /// In fp32; nil where the adapters leave it as it is.
    let result: (any TensorSource)?

    var count: Int { base.byteCount / (base.dtype.width ?? 1) }

    func compare(_ elements: Range<Int>, _ scratch: WindowScratch) throws(Failure) -> BlockComparison {
        let count = elements.count
        let before = try unsafe FloatPair.read(base, elements, scratch.base)
        let weights = unsafe FloatPair.widen(before, base.dtype, count, scratch.first)
        let after = try unsafe FloatPair.read(tuned, elements, scratch.tuned)
        let change = unsafe FloatPair.widen(after, tuned.dtype, count, scratch.second)
        unsafe tenon_subtract(change.baseAddress, weights.baseAddress, count, change.baseAddress)
        guard let result else {
            let nothing = unsafe scratch.whole.floats(count)
            unsafe nothing.update(repeating: 0)
            return unsafe Self.comparison(change, nothing, count)
        }
        let sum = try unsafe FloatPair.read(result, elements, scratch.whole).assumingMemoryBound(to: Float.self)
        unsafe tenon_subtract(sum.baseAddress, weights.baseAddress, count, sum.baseAddress)
        return unsafe Self.comparison(change, sum, count)
    }

    private static func comparison(
        _ change: UnsafeMutableBufferPointer<Float>, _ other: UnsafeMutableBufferPointer<Float>, _ count: Int
    ) -> BlockComparison {
        let found = unsafe tenon_compare_pair(change.baseAddress, other.baseAddress, count)
        var comparison = BlockComparison(isEqual: found.change_power == 0 && found.unusable == 0, found, count: count)
        // Of weights rounding takes something, and these are changes.
        comparison.sums.elements?.roundingPower = nil
        return comparison
    }
}
