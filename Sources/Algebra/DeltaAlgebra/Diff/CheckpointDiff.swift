package import Checkpoints
package import Diagnostics
import LinearAlgebra
package import Parallelism
import Tensors

/// Compares two checkpoints: each byte is read once, and once more for the spectra.
///
/// Memory: a few blocks a lane; with spectra a tensor of the changes, as far as half of the budget holds it.
package struct CheckpointDiff: Sendable {
    package let lanes: Lanes
    package let memory: MemoryBudget
    package let takesSpectra: Bool

    package init(lanes: Lanes, memory: MemoryBudget = .standard, takesSpectra: Bool = false) {
        self.lanes = lanes
        self.memory = memory
        self.takesSpectra = takesSpectra
    }

    /// How many singular values of a change are looked for, and how many where the first hold half of it.
    private static let valueCounts = (few: 8, many: 24)

    /// Throws what reading throws, and ``Failure/Code/changedDuringRead``.
    package func run(_ base: Checkpoint, _ other: Checkpoint) throws(Failure) -> DiffReport {
        var works: [Work] = []
        var tensors: [TensorDiff] = []
        for tensor in base.tensors {
            let before = TensorDiff.Form(tensor.source)
            guard let partner = other[tensor.name] else {
                tensors.append(TensorDiff(name: tensor.name, status: .removed, before: before, after: nil))
                continue
            }
            let after = TensorDiff.Form(partner.source)
            if before.shape != after.shape {
                tensors.append(TensorDiff(name: tensor.name, status: .reshaped, before: before, after: after))
            } else if FloatPair.canHold(tensor.source, partner.source) {
                works.append(Work(tensor, partner, FloatPair(tensor.source, partner.source), hasNumbers: true))
            } else if before.dtype == after.dtype {
                works.append(
                    Work(tensor, partner, PlainPair(base: tensor.source, other: partner.source), hasNumbers: false))
            } else {
                tensors.append(TensorDiff(name: tensor.name, status: .dtype, before: before, after: after))
            }
        }
        for tensor in other.tensors where base.index(of: tensor.name) == nil {
            tensors.append(
                TensorDiff(name: tensor.name, status: .added, before: nil, after: TensorDiff.Form(tensor.source)))
        }
        var total = DiffSums()
        for (work, found) in zip(works, try ElementScan(lanes: lanes).run(works.map(\.elements))) {
            if work.hasNumbers { total += found.sums }
            tensors.append(work.diff(found))
        }
        tensors.sort { $0.name.precedesInBytes($1.name) }
        if takesSpectra {
            let room = TileMemory()
            for index in tensors.indices { tensors[index].spectrum = try spectrum(tensors[index], base, other, room) }
        }
        try base.checkUnchanged()
        try other.checkUnchanged()
        return DiffReport(subject: .checkpoints, tensors: tensors, total: total.figures)
    }

    private struct Work {
        let base: CheckpointTensor
        let other: CheckpointTensor
        let elements: any ComparedElements
        let hasNumbers: Bool

        init(
            _ base: CheckpointTensor, _ other: CheckpointTensor, _ elements: any ComparedElements, hasNumbers: Bool
        ) {
            self.base = base
            self.other = other
            self.elements = elements
            self.hasNumbers = hasNumbers
        }

        func diff(_ found: ElementScan.Found) -> TensorDiff {
            TensorDiff(
                name: base.name,
                status: base.dtype != other.dtype ? .dtype : found.isEqual ? .equal : .changed,
                before: TensorDiff.Form(base.source), after: TensorDiff.Form(other.source),
                figures: hasNumbers ? found.sums.figures : nil)
        }
    }

    /// Nil for what is no matrix, did not change, or has elements that are no numbers.
    private func spectrum(
        _ tensor: TensorDiff, _ base: Checkpoint, _ other: Checkpoint, _ room: TileMemory
    ) throws(Failure) -> ChangeSpectrum? {
        guard let figures = tensor.figures, figures.changeNorm > 0, figures.elements?.unusable == 0,
            let before = base[tensor.name], let after = other[tensor.name], before.shape.rank >= 2
        else { return nil }
        let rows = try DifferenceRows(
            LowRankTarget(name: tensor.name, base: before.source, tuned: after.source))
        guard min(rows.rows, rows.columns) > 1 else { return nil }
        let matrix = TiledMatrix(rows, cacheBytes: memory.bytes / 2, memory: room)
        let iteration = SubspaceIteration(
            matrix, random: CounterRandom(seed: 0, name: tensor.name), lanes: lanes)
        var found = try iteration.approximate(rank: Self.valueCounts.few)
        if !found.isComplete, found.tail(after: Self.valueCounts.few) <= found.power / 2 {
            found = try iteration.approximate(rank: Self.valueCounts.many)
        }
        return ChangeSpectrum(values: found.values, power: found.power, isComplete: found.isComplete)
    }
}
