import Adapters
import Checkpoints
import DeltaFormat
import Diagnostics
import Files
import Parallelism
import Tensors

/// A delta that comes near to the tuned checkpoint: matrices as signs, or each in the best of all forms, and what is no
/// matrix without loss.
struct ApproximateDelta {
    let pair: CheckpointPair
    let options: LossyOptions
    let compression: Compression
    let lanes: Lanes
    let memory: MemoryBudget

    func run() throws(Failure) -> LossyOutcome {
        let found = try LossyTargets(pair, modules: options.targetModules) { pair in
            FloatElements.canHold(pair.base.dtype) && pair.base.shape.rank >= 2
        }
        var targets: [(pair: Int, sums: ChangeSums)] = []
        for number in found.approximated {
            let sums = try ChangeSums.take(of: pair.pairs[number].base, pair.pairs[number].tuned, lanes: lanes)
            // A change that is not finite is stored without loss.
            if sums.power.isFinite { targets.append((number, sums)) }
        }
        let results =
            if case .mixed(let goal) = options.form { try mixed(goal, targets) } else { signs(targets) }
        let near = try adapter(results)
        return LossyOutcome(
            adapter: try LosslessDelta(pair, after: approximation(near, results, found)).adapter(), results: results,
            findings: found.findings(pair) + leftFiles())
    }

    private func approximation(
        _ near: Adapter, _ results: [LossyResult], _ found: LossyTargets
    ) throws(Failure) -> LosslessDelta.Approximation {
        if options.hasResidual { return try .init(near, of: pair) }
        var finished = Set(found.left.map { pair.pairs[$0].name })
        for result in results {
            if case .lossless = result.form { continue }
            finished.insert(result.name)
        }
        return .init(parameters: near.parameters, entries: near.entries, finished: finished)
    }

    /// What is told where the tensors' shapes want another config than the base's.
    private func leftFiles() -> [Finding] {
        let isReshaped = !pair.unpaired.isEmpty || !pair.removed.isEmpty || pair.pairs.contains { $0.added != nil }
        guard isReshaped, !options.hasResidual else { return [] }
        return [
            Finding(
                "files-left-out",
                "tensors were added, removed or resized, but the result takes config and tokenizer from the base: "
                    + "--residual keeps the tuned model's", object: pair.tuned.path)
        ]
    }

    // MARK: Forms

    private func signs(_ targets: [(pair: Int, sums: ChangeSums)]) -> [LossyResult] {
        targets.map { number, sums in
            let scales = SignScales(sums)
            return LossyResult(
                name: pair.pairs[number].name, form: sums.power > 0 ? .signs(scales) : .nothing,
                squaredDistance: scales.squaredDistance, power: sums.power)
        }
    }

    private func mixed(
        _ goal: MixedGoal, _ targets: [(pair: Int, sums: ChangeSums)]
    ) throws(Failure) -> [LossyResult] {
        let sizes = try losslessSizes(targets.map(\.pair))
        let extraction = LowRankExtraction(
            goal: .rank(1), dtype: options.dtype, seed: options.seed, lanes: lanes, memory: memory)
        return try MixedExtraction(goal: goal, extraction: extraction).run(
            targets.map { number, sums in
                let one = pair.pairs[number]
                return MixedTarget(
                    tensor: LowRankTarget(name: one.name, base: one.base, tuned: one.tuned),
                    takesFactors: LoRAEntries.canHold(one.name, one.base.shape), power: sums.power,
                    signs: SignScales(sums), losslessByteCount: sizes[one.name] ?? one.base.byteCount)
            })
    }

    /// What the changes take without loss, coded as they will be.
    private func losslessSizes(_ numbers: [Int]) throws(Failure) -> [String: Int] {
        let entries = try numbers.map { number throws(Failure) in
            try LosslessChoice.entry(for: pair.pairs[number], pair.findings[number])
        }
        let adapter = Adapter(method: Method.delta.word, entries: entries, bases: [pair.baseReference])
        let written = try ContainerWriter(compression: compression, lanes: lanes).writeIndexed(
            adapter, to: .discarded())
        let sizes = try written.index.storedEntries().map { ($0.name, $0.byteCount) }
        return Dictionary(sizes) { first, _ in first }
    }

    // MARK: Entries

    /// What comes near, and nothing else.
    private func adapter(_ results: [LossyResult]) throws(Failure) -> Adapter {
        let writer = LoRAEntries(pair: pair)
        let numbers = Dictionary(pair.pairs.enumerated().map { ($1.name, $0) }) { first, _ in first }
        var entries: [AdapterEntry] = []
        var ranks: [(name: String, rank: Int)] = []
        for result in results {
            guard let number = numbers[result.name] else { continue }
            let one = pair.pairs[number]
            switch result.form {
            case .nothing, .lossless: break
            case .lora(let factors):
                entries.append(try writer.entry(result.name, factors, one.baseNumber))
                ranks.append((result.name, factors.rank))
            case .signs(let scales):
                entries.append(
                    AdapterEntry(
                        key: EntryKey(result.name, .signs),
                        tensors: [
                            RoleTensor(.bitmap, SignBits(base: one.base, tuned: one.tuned)),
                            RoleTensor(.scale, try scales.tensor()),
                        ],
                        binding: pair.baseBinding(one.baseNumber)))
            }
        }
        return Adapter(
            method: Method.delta.word, parameters: ranks.isEmpty ? [:] : writer.parameters(ranks), entries: entries,
            bases: [pair.baseReference])
    }
}
