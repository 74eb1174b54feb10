import Adapters
import DeltaFormat
package import Diagnostics
package import Digests
import Files
import JSON
package import Packaging
package import Tensors

/// Gives an adapter's changes of low rank another rank, without its base: `Spec/merge.md`, "Resizing".
package struct ResizeJob: Sendable {
    package struct Report: Sendable {
        package struct Target: Sendable {
            package let name: String
            package let oldRank: Int
            /// 0 where the target has no entry any more.
            package let rank: Int
            package let relativeError: Double
            package let oldBytes: Int
            package let bytes: Int
        }

        package let targets: [Target]
        /// Of the whole change.
        package let relativeError: Double
        package let storedBytes: Int
        package let contentDigest: Digest
        package let findings: [Finding]
        package let memoryBytes: Int
        package let times: StageTimes
    }

    package var goal: LowRankGoal
    /// Of the factors; nil keeps theirs.
    package var dtype: DType?
    package var output: AdapterOutput

    package init(_ goal: LowRankGoal, output: AdapterOutput) {
        self.goal = goal
        self.output = output
    }

    /// Writes the adapter, resized.
    package func run(_ source: WeightedAdapter) throws(Failure) -> Report {
        var times = StageTimes()
        try output.check(inputs: [source.path])
        let (adapter, targets) = try resized(source)
        times.end("decompose")
        let trailer = try output.write(adapter, &times)
        let power = targets.reduce(0) { $0 + $1.power }
        let dropped = targets.filter { $0.factors == nil }
        return Report(
            targets: targets.map(\.report),
            relativeError: power > 0
                ? (targets.reduce(0) { $0 + $1.squaredDistance } / power).squareRoot() : 0,
            storedBytes: Int(trailer.fileSize), contentDigest: trailer.contentDigest,
            findings: dropped.isEmpty
                ? []
                : [
                    Finding(
                        "target-dropped", "\(dropped.count) modules are left without factors",
                        object: dropped[0].target.name)
                ],
            memoryBytes: output.memoryBytes(targets.map(\.target), .sum, results: targets.map(\.factors)),
            times: times)
    }

    private func resized(_ source: WeightedAdapter) throws(Failure) -> (adapter: Adapter, targets: [ResizedTarget]) {
        guard try AdapterFamily.of([source]) == .lowRank else {
            throw Failure(
                .notMergeable, "only changes of low rank have a rank", path: source.path,
                actual: source.adapter.method)
        }
        let merge = try LowRankMerge([source])
        let targets = try sizes(merge)
        if case .budget(let bytes) = goal, !targets.isEmpty, targets.allSatisfy({ $0.factors == nil }) {
            throw Failure(.usage, "the budget is too small for any factor", actual: "\(bytes)")
        }
        var result = Adapter(method: Method.lora.word, bases: source.adapter.bases)
        var ranks: [(module: String, rank: Int)] = []
        for resized in targets {
            guard let factors = resized.factors else { continue }
            result.entries.append(
                try resized.target.form.entry(
                    resized.target.name, a: factors.a, b: factors.b,
                    binding: resized.target.entries.joined().compactMap(\.binding).first))
            ranks.append((resized.target.module, resized.rank))
        }
        let config = MergedConfig(adapters: [source.adapter], modules: merge.modules)
        result.parameters = config.parameters(ranks)
        let kept = source.adapter.entries.filter { WholeTensors.kinds.contains($0.key.kind) }
        result.entries += kept
        for key in ["modules_to_save", "bias", "trainable_token_indices"] where !kept.isEmpty {
            result.parameters[key] = source.adapter.parameters[key]
        }
        guard !result.entries.isEmpty else {
            throw Failure(.notMergeable, "nothing is left: the adapter's change is zero everywhere", path: source.path)
        }
        result.metadata["base"] = source.adapter.metadata["base"]
        let parent = Lineage.Parent(
            contentDigest: "\(source.contentDigest)", name: Paths.lastComponent(of: source.path),
            lineage: Lineage(of: source.adapter))
        Lineage(tool: output.tool, recipe: recipe, parents: [parent]).record(in: &result.metadata)
        return (result, targets)
    }

    private func sizes(_ merge: LowRankMerge) throws(Failure) -> [ResizedTarget] {
        guard case .budget(let bytes) = goal else {
            return try merge.map(lanes: output.lanes(merge.targets, .sum)) { target throws(Failure) in
                let spectrum = try TargetSpectrum(target, dtype: self.dtype)
                return switch self.goal {
                case .energy(let share): try spectrum.reach(1 - share)
                case .error(let error): try spectrum.reach(error * error)
                case .rank(let rank), .budget(let rank): try spectrum.cut(to: rank)
                }
            }
        }
        // Values of all targets first, then the vectors of those that are kept: none of them is held for long.
        let values = try merge.map(lanes: output.lanes(merge.targets, .sum)) { target throws(Failure) in
            let spectrum = try TargetSpectrum(target, dtype: self.dtype)
            return RankBudget.Candidate(cost: spectrum.rankByteCount, values: spectrum.significant)
        }
        let ranks = RankBudget(bytes: bytes).ranks(values)
        let chosen = Dictionary(
            zip(merge.targets, ranks).map { (ExactKey($0.name), $1) }, uniquingKeysWith: { first, _ in first })
        return try merge.map(lanes: output.lanes(merge.targets, .sum)) { target throws(Failure) in
            try TargetSpectrum(target, dtype: self.dtype).cut(to: chosen[ExactKey(target.name)] ?? 0)
        }
    }

    private var recipe: JSONObject {
        var recipe = JSONObject()
        recipe["verb"] = "resize"
        switch goal {
        case .rank(let rank): recipe["rank"] = JSONValue(rank)
        case .energy(let share): recipe["energy"] = JSONValue(share)
        case .error(let error): recipe["error"] = JSONValue(error)
        case .budget(let bytes): recipe["budget"] = JSONValue(bytes)
        }
        if let dtype { recipe["dtype"] = .string(dtype.name) }
        return recipe
    }
}
