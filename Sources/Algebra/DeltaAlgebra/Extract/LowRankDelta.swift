import Adapters
import Checkpoints
import Diagnostics
import Parallelism
import Tensors

/// A LoRA of what differs between two checkpoints: matrices as products of two thin ones, vectors whole.
struct LowRankDelta {
    let pair: CheckpointPair
    let goal: LowRankGoal
    let options: LossyOptions
    let lanes: Lanes
    let memory: MemoryBudget

    func run() throws(Failure) -> LossyOutcome {
        if !options.hasResidual { try refuseOtherTensors() }
        let found = try LossyTargets(pair, modules: options.targetModules) { pair in
            FloatElements.canHold(pair.base.dtype) && LoRAEntries.canHold(pair.name, pair.base.shape)
        }
        let targets = found.approximated.map { number in
            let one = pair.pairs[number]
            return LowRankTarget(name: one.name, base: one.base, tuned: one.tuned)
        }
        let extraction = LowRankExtraction(
            goal: goal, dtype: options.dtype, seed: options.seed, lanes: lanes, memory: memory)
        let results = try extraction.run(targets)
        if let bad = results.first(where: { !$0.relativeError.isFinite }) {
            throw Failure(
                .kindShape, "the factors do not fit their dtype", object: bad.name, hint: "--dtype f32 holds more")
        }
        if case .budget(let bytes) = goal, !targets.isEmpty, results.allSatisfy({ $0.factors == nil }) {
            let least = targets.map { ($0.base.shape.dimensions[0] + $0.base.shape.dimensions[1]) * 2 }.min() ?? 0
            throw Failure(
                .usage, "the budget is too small for any factor", expected: "some \(least) bytes at least",
                actual: "\(bytes)")
        }
        let lora = try adapter(results, options.hasResidual ? [] : found.others.map { pair.pairs[$0] })
        let adapter =
            if options.hasResidual {
                try LosslessDelta(pair, after: .init(lora, of: pair)).adapter()
            } else { lora }
        return LossyOutcome(
            adapter: adapter, results: results.map { LossyResult($0) }, findings: found.findings(pair))
    }

    /// A LoRA holds changes of what the base has, and nothing else.
    private func refuseOtherTensors() throws(Failure) {
        let more = pair.unpaired.first.map { pair.tuned.tensors[$0].name }
        let fewer = pair.removed.first.map { pair.base.tensors[$0].name }
        let longer = pair.pairs.first { $0.added != nil }?.name
        guard let name = more ?? fewer ?? longer else { return }
        throw Failure(
            .baseIncompatible, "a LoRA cannot add or remove tensors, or rows of them", object: name,
            path: pair.tuned.path, hint: "--kind auto, signs and mixed hold anything, and so does --residual")
    }

    private func adapter(_ results: [LowRankResult], _ whole: [TensorPair]) throws(Failure) -> Adapter {
        let writer = LoRAEntries(pair: pair)
        var entries: [AdapterEntry] = []
        var ranks: [(name: String, rank: Int)] = []
        for result in results {
            guard let factors = result.factors, let number = pair.base.index(of: result.name) else { continue }
            entries.append(try writer.entry(result.name, factors, number))
            ranks.append((result.name, factors.rank))
        }
        for one in whole {
            let isBias = one.name.hasSuffix(".bias")
            entries.append(
                AdapterEntry(
                    key: EntryKey(one.name, isBias ? .bias : .full), tensors: [RoleTensor(.value, one.tuned)],
                    binding: pair.baseBinding(one.baseNumber)))
        }
        let saved = whole.filter { !$0.name.hasSuffix(".bias") }.map { $0.name.droppingLastComponent }
        var parameters = writer.parameters(ranks)
        if !saved.isEmpty { parameters["modules_to_save"] = .list(LoRAEntries.sorted(saved)) }
        if whole.contains(where: { $0.name.hasSuffix(".bias") }) { parameters["bias"] = .string("all") }
        return Adapter(
            method: Method.lora.word, parameters: parameters, entries: entries, bases: [pair.baseReference])
    }
}

extension String {
    /// The module that a tensor of this name lies in.
    var droppingLastComponent: String {
        lastIndex(of: ".").map { String(self[..<$0]) } ?? self
    }
}
