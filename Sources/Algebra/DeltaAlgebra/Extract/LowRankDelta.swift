import Adapters
import Checkpoints
import Diagnostics
import Digests
import Parallelism
package import Tensors

/// How an approximate delta is to be taken.
package struct LowRankOptions: Sendable {
    package var goal: LowRankGoal
    /// Names of modules, or the ends of their paths, as PEFT's `target_modules`; nil for all matrices.
    package var targetModules: [String]?
    /// Of the factors; nil for what suits the base.
    package var dtype: DType?
    package var seed: UInt64 = 0
    /// Also store what the LoRA leaves out, so that the tuned checkpoint comes back bit for bit.
    package var hasResidual = false

    package init(goal: LowRankGoal) {
        self.goal = goal
    }
}

/// A LoRA of what differs between two checkpoints: matrices as products of two thin ones, vectors whole.
struct LowRankDelta {
    let pair: CheckpointPair
    let options: LowRankOptions
    let lanes: Lanes
    let memory: MemoryBudget

    /// What was stored, and how good it is.
    struct Outcome {
        let adapter: Adapter
        let results: [LowRankResult]
        let findings: [Finding]
    }

    func run() throws(Failure) -> Outcome {
        if !options.hasResidual { try refuseOtherTensors() }
        var targets: [LowRankTarget] = []
        var whole: [TensorPair] = []
        var left: [String] = []
        for (pair, findings) in zip(pair.pairs, pair.findings) where findings.changes > 0 {
            if isTarget(pair) {
                targets.append(LowRankTarget(name: pair.name, base: pair.base, tuned: pair.tuned))
            } else if options.hasResidual {
                continue
            } else if options.targetModules == nil {
                whole.append(pair)
            } else {
                left.append(pair.name)
            }
        }
        if targets.isEmpty, let first = left.first {
            throw Failure(
                .usage, "no tensor that changed is one of the target modules", object: first,
                expected: options.targetModules?.joined(separator: ", "),
                hint: "modules are named as q_proj or by the end of their path")
        }
        let extraction = LowRankExtraction(
            goal: options.goal, dtype: options.dtype, seed: options.seed, lanes: lanes, memory: memory)
        let results = try extraction.run(targets)
        if let bad = results.first(where: { !$0.relativeError.isFinite }) {
            throw Failure(
                .kindShape, "the factors do not fit their dtype", object: bad.name, hint: "--dtype f32 holds more")
        }
        if case .budget(let bytes) = options.goal, !targets.isEmpty, results.allSatisfy({ $0.factors == nil }) {
            let least = targets.map { ($0.base.shape.dimensions[0] + $0.base.shape.dimensions[1]) * 2 }.min() ?? 0
            throw Failure(
                .usage, "the budget is too small for any factor", expected: "some \(least) bytes at least",
                actual: "\(bytes)")
        }
        var findings: [Finding] = []
        if let first = left.first {
            findings.append(
                Finding("left-out", "\(left.count) tensors that changed are no target modules", object: first))
        }
        let lora = try adapter(results, whole)
        return Outcome(
            adapter: options.hasResidual ? try withResidual(lora) : lora, results: results, findings: findings)
    }

    /// The LoRA, and after it the difference between what it makes of the base and the tuned checkpoint.
    private func withResidual(_ lora: Adapter) throws(Failure) -> Adapter {
        let watch = BaseWatch(pair.base, isWatching: false)
        let plan = try ResultPlan(
            [WeightedAdapter(lora, contentDigest: .zero, path: pair.tuned.path, weight: 1)], onto: watch, dtype: nil)
        var approximation = LosslessDelta.Approximation(parameters: lora.parameters, entries: lora.entries)
        for tensor in plan.tensors where plan.changed[tensor.name] != nil {
            approximation.results[tensor.name] = tensor.source
        }
        return try LosslessDelta(pair, after: approximation).adapter()
    }

    /// A LoRA holds changes of what the base has, and nothing else.
    private func refuseOtherTensors() throws(Failure) {
        let more = pair.unpaired.first.map { pair.tuned.tensors[$0].name }
        let fewer = pair.removed.first.map { pair.base.tensors[$0].name }
        let longer = pair.pairs.first { $0.added != nil }?.name
        guard let name = more ?? fewer ?? longer else { return }
        throw Failure(
            .baseIncompatible, "a LoRA cannot add or remove tensors, or rows of them", object: name,
            path: pair.tuned.path, hint: "without --rank, --energy, --error and --budget the delta holds anything")
    }

    private func isTarget(_ pair: TensorPair) -> Bool {
        guard pair.base.shape.rank == 2, FloatElements.canHold(pair.base.dtype), pair.name.hasSuffix(".weight") else {
            return false
        }
        guard let modules = options.targetModules else { return true }
        let path = pair.name.dropLast(".weight".count)
        return modules.contains { path == $0 || path.hasSuffix("." + $0) }
    }

    // MARK: The adapter

    private func adapter(_ results: [LowRankResult], _ whole: [TensorPair]) throws(Failure) -> Adapter {
        let base = pair.baseFingerprint
        let reference = BaseReference(
            root: base.root, headerDigest: base.headerDigest, tensorCount: base.tensorCount, byteCount: base.byteCount)
        var entries: [AdapterEntry] = []
        var ranks: [(module: String, rank: Int)] = []
        for result in results {
            guard let factors = result.factors, let number = pair.base.index(of: result.name) else { continue }
            entries.append(try entry(result.name, factors, number))
            ranks.append((String(result.name.dropLast(".weight".count)), factors.rank))
        }
        for one in whole {
            let isBias = one.name.hasSuffix(".bias")
            entries.append(
                AdapterEntry(
                    key: EntryKey(one.name, isBias ? .bias : .full), tensors: [RoleTensor(.value, one.tuned)],
                    binding: binding(one.baseNumber)))
        }
        let saved = whole.filter { !$0.name.hasSuffix(".bias") }.map { $0.name.droppingLastComponent }
        var parameters = Self.parameters(ranks, modules: targetNames(ranks.map(\.module)))
        if !saved.isEmpty { parameters["modules_to_save"] = .list(Self.sorted(saved)) }
        if whole.contains(where: { $0.name.hasSuffix(".bias") }) { parameters["bias"] = .string("all") }
        let targets = results.filter { $0.factors != nil }
        if !targets.isEmpty, targets.allSatisfy({ pair.base.config.isTransposed($0.name) }) {
            parameters["fan_in_fan_out"] = .bool(true)
        }
        if let type = pair.base.config.taskType { parameters["task_type"] = .string(type) }
        return Adapter(
            method: Method.lora.word, parameters: parameters, entries: entries, bases: [reference])
    }

    private func binding(_ number: Int) -> EntryBinding {
        EntryBinding(base: 0, baseLeaf: pair.baseFingerprint.leaves[number])
    }

    private func entry(
        _ name: String, _ factors: LowRankResult.Factors, _ number: Int
    ) throws(Failure) -> AdapterEntry {
        guard Self.isEmbedding(name) || pair.base.config.isTransposed(name) else {
            return AdapterEntry(
                key: EntryKey(name, .lora), tensors: [RoleTensor(.a, factors.a), RoleTensor(.b, factors.b)],
                binding: binding(number))
        }
        // Of an embedding, and of a layer that keeps its weights as [in, out], the stored change is (B·A)ᵀ.
        return AdapterEntry(
            key: EntryKey(name, .lora), parameters: Self.isEmbedding(name) ? ["form": "embedding"] : [:],
            tensors: [RoleTensor(.a, try factors.b.transposed()), RoleTensor(.b, try factors.a.transposed())],
            binding: binding(number))
    }

    private static let embeddings = [
        "embed_tokens", "wte", "wpe", "word_embeddings", "position_embeddings", "token_type_embeddings", "shared",
        "embed_in", "tok_embeddings", "relative_attention_bias",
    ]

    private static func isEmbedding(_ name: String) -> Bool {
        embeddings.contains { name.hasSuffix("\($0).weight") }
    }

    /// The config whose scale is 1 for every module: alpha is the rank.
    private static func parameters(_ ranks: [(module: String, rank: Int)], modules: [String]) -> Parameters {
        let largest = max(1, ranks.map(\.rank).max() ?? 1)
        var parameters: Parameters = [
            "r": .int(Int64(largest)), "lora_alpha": .int(Int64(largest)), "target_modules": .list(sorted(modules)),
        ]
        let others = ranks.filter { $0.rank != largest }.map {
            ParameterValue.Member($0.module, .int(Int64($0.rank)))
        }
        if !others.isEmpty {
            parameters["rank_pattern"] = .map(others)
            parameters["alpha_pattern"] = .map(others)
        }
        return Method.lora.parameters(of: parameters.members)
    }

    /// The last component of paths where all modules of that name are targets, and else the whole path.
    private func targetNames(_ modules: [String]) -> [String] {
        let targets = Set(modules)
        var all: [String: Bool] = [:]
        for tensor in pair.base.tensors where tensor.shape.rank == 2 && tensor.name.hasSuffix(".weight") {
            let module = String(tensor.name.dropLast(".weight".count))
            all[module.lastComponent, default: true] =
                all[module.lastComponent, default: true] && targets.contains(module)
        }
        return modules.map { all[$0.lastComponent] == true ? $0.lastComponent : $0 }
    }

    private static func sorted(_ names: [String]) -> [ParameterValue] {
        Set(names).sorted { $0.precedesInBytes($1) }.map { .string($0) }
    }
}

extension String {
    fileprivate var lastComponent: String { split(separator: ".").last.map(String.init) ?? self }

    fileprivate var droppingLastComponent: String {
        lastIndex(of: ".").map { String(self[..<$0]) } ?? self
    }
}

extension TensorBuffer {
    /// The transpose of a matrix.
    fileprivate func transposed() throws(Failure) -> TensorBuffer {
        let (rows, columns) = (shape.dimensions[0], shape.dimensions[1])
        let width = dtype.width ?? 1
        var turned = [UInt8](repeating: 0, count: byteCount)
        for row in 0..<rows {
            for column in 0..<columns {
                for place in 0..<width {
                    turned[(column * rows + row) * width + place] = bytes[(row * columns + column) * width + place]
                }
            }
        }
        return try TensorBuffer(dtype: dtype, shape: [columns, rows], bytes: turned)
    }
}
