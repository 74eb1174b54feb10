package import Adapters
import DeltaFormat
package import Diagnostics
package import Digests
import Files
import JSON
package import Packaging
import Tensors

/// Makes one adapter of several, without their base: `Spec/merge.md`, "Adapters".
package struct AdapterMergeJob: Sendable {
    package enum Way: Sendable {
        case method(AdapterMergeMethod)
        case peft(PEFTCombination)

        package var word: String {
            switch self {
            case .method(let method): method.word
            case .peft(let combination): combination.word
            }
        }

        /// What it makes use of.
        package var settings: Set<AdapterMergeSetting> {
            switch self {
            case .method(let method): method.settings
            case .peft(let combination): combination.settings
            }
        }

        /// What it holds of a target.
        var work: TargetWork {
            switch self {
            case .method(let method): method.work
            case .peft(let combination): combination.work
            }
        }
    }

    package struct Report: Sendable {
        package struct Target: Sendable {
            package let name: String
            /// 0 where the merged change is zero, and the target has no entry.
            package let rank: Int
            /// Of each adapter; 0 where it lacks the target.
            package let ranks: [Int]
            /// The share of ‖D‖² that the rank leaves out.
            package let leftOut: Double
        }

        package let targets: [Target]
        /// The share of Σ‖D‖² over all targets that their ranks leave out.
        package let leftOut: Double
        package let storedBytes: Int
        package let contentDigest: Digest
        package let base: BaseReference?
        package let findings: [Finding]
        package let memoryBytes: Int
        package let times: StageTimes
    }

    package var way: Way
    package var options = AdapterMergeOptions()
    package var output: AdapterOutput

    package init(_ way: Way, output: AdapterOutput) {
        self.way = way
        self.output = output
    }

    /// Writes what comes of the adapters, each with its weight.
    ///
    /// Targets are independent and the same for any number of lanes. All factors of the result are held in memory, and of
    /// those of the adapters what the lanes work on.
    package func run(_ adapters: [WeightedAdapter]) throws(Failure) -> Report {
        var times = StageTimes()
        try output.check(inputs: adapters.map(\.path))
        let (adapter, targets, findings) = try merged(adapters)
        times.end("merge")
        let trailer = try output.write(adapter, &times)
        let power = targets.reduce(0) { $0 + $1.power }
        return Report(
            targets: targets.map {
                Report.Target(
                    name: $0.target.name, rank: $0.rank, ranks: $0.target.ranks,
                    leftOut: $0.power > 0 ? $0.leftOut / $0.power : 0)
            }, leftOut: power > 0 ? targets.reduce(0) { $0 + $1.leftOut } / power : 0,
            storedBytes: Int(trailer.fileSize), contentDigest: trailer.contentDigest, base: adapter.bases.first,
            findings: findings,
            memoryBytes: output.memoryBytes(targets.map(\.target), way.work, results: targets.map(\.factors)),
            times: times)
    }

    /// The adapter alone, with its factors in memory.
    package func merged(_ adapters: [WeightedAdapter]) throws(Failure) -> Adapter {
        try merged(adapters).adapter
    }

    private func merged(
        _ adapters: [WeightedAdapter]
    ) throws(Failure) -> (adapter: Adapter, targets: [MergedTarget], findings: [Finding]) {
        try options.check(for: way.settings)
        try checkWeights(adapters)
        let family = try AdapterFamily.of(adapters)
        try checkWay(family, adapters)
        let agreement = try BaseAgreement(adapters, options.baseCheck)
        var findings = agreement.findings + (try unusedPatterns(adapters))
        var targets: [MergedTarget] = []
        var adapter: Adapter
        switch family {
        case .lowRank:
            let merge = try LowRankMerge(adapters)
            targets = try mergeLowRank(merge, adapters)
            adapter = try lowRankAdapter(adapters, merge.modules, targets, agreement, &findings)
        case .gates:
            adapter = try GateMerge(
                adapters: adapters, agreement: agreement, dtype: options.dtype,
                weights: { module throws(Failure) in try self.weights(adapters, module) }
            ).merged()
        case .tokens: adapter = try TokenMerge(adapters: adapters).merged()
        }
        let whole = WholeTensors(
            adapters: adapters, agreement: agreement, dtype: options.dtype,
            weights: { module throws(Failure) in try self.weights(adapters, module) })
        let kept = try whole.merged()
        adapter.entries += kept
        for member in try whole.parameters(kept) { adapter.parameters[member.key] = member.value }
        guard !adapter.entries.isEmpty else {
            throw Failure(.notMergeable, "nothing is left: what comes of these adapters is zero everywhere")
        }
        adapter.bases = agreement.base.map { [$0] } ?? []
        adapter.metadata = metadata(adapters)
        return (adapter, targets, findings)
    }

    private func mergeLowRank(
        _ merge: LowRankMerge, _ adapters: [WeightedAdapter]
    ) throws(Failure) -> [MergedTarget] {
        let largest = merge.targets.map { $0.ranks.max() ?? 0 }.max() ?? 0
        return try merge.map(lanes: output.lanes(merge.targets, way.work)) { target throws(Failure) in
            let weights = try self.weights(adapters, target.module)
            return switch self.way {
            case .method(let method): try method.merge(target, weights: weights, options: self.options)
            case .peft(let combination):
                try combination.merge(
                    target, weights: weights, options: self.options, rank: self.options.rank ?? largest)
            }
        }
    }

    private func lowRankAdapter(
        _ adapters: [WeightedAdapter], _ modules: [String], _ targets: [MergedTarget], _ agreement: BaseAgreement,
        _ findings: inout [Finding]
    ) throws(Failure) -> Adapter {
        var entries: [AdapterEntry] = []
        var ranks: [(module: String, rank: Int)] = []
        for merged in targets {
            guard let factors = merged.factors else { continue }
            entries.append(
                try merged.target.form.entry(
                    merged.target.name, a: factors.a, b: factors.b,
                    binding: agreement.binding(merged.target.entries.joined().map(\.binding))))
            ranks.append((merged.target.module, merged.rank))
        }
        let dropped = targets.filter { $0.factors == nil }
        if let first = dropped.first {
            findings.append(
                Finding(
                    "target-dropped", "\(dropped.count) modules have no factors, for their change is zero",
                    object: first.target.name))
        }
        let config = MergedConfig(adapters: adapters.map(\.adapter), modules: modules)
        return Adapter(method: Method.lora.word, parameters: config.parameters(ranks), entries: entries)
    }

    // MARK: Weights

    /// Tells of patterns that are for no module, or only for those that an earlier one has taken.
    private func unusedPatterns(_ adapters: [WeightedAdapter]) throws(Failure) -> [Finding] {
        guard !options.patterns.isEmpty else { return [] }
        var unused = Set(options.patterns.indices)
        for module in Set(adapters.flatMap { $0.adapter.entries.map { ExactKey($0.modulePath) } }) {
            for (number, pattern) in options.patterns.enumerated() where try pattern.matches(module.string) {
                unused.remove(number)
                break
            }
        }
        return unused.sorted().map { number in
            Finding(
                "pattern-unused", "no module takes its weights from this pattern", object: options.patterns[number].key)
        }
    }

    private func weights(_ adapters: [WeightedAdapter], _ module: String) throws(Failure) -> [Double] {
        for pattern in options.patterns where try pattern.matches(module) { return pattern.weights }
        return adapters.map(\.weight)
    }

    private func checkWeights(_ adapters: [WeightedAdapter]) throws(Failure) {
        for pattern in options.patterns where pattern.weights.count != adapters.count {
            throw Failure(
                .usage, "a pattern must have a weight for each adapter", expected: "\(adapters.count)",
                actual: "\(pattern.weights.count)")
        }
        for weight in adapters.map(\.weight) + options.patterns.flatMap(\.weights) where !weight.isFinite {
            throw Failure(.usage, "a weight is no number", actual: "\(weight)")
        }
    }

    /// Refuses what a method does not do.
    private func checkWay(_ family: AdapterFamily, _ adapters: [WeightedAdapter]) throws(Failure) {
        if case .method(let method) = way, !method.count.contains(adapters.count) {
            throw Failure(
                .usage, "\(method.word) does not take so many adapters",
                expected: method.count.upperBound == Int.max
                    ? "\(method.count.lowerBound) or more" : "\(method.count.upperBound)",
                actual: "\(adapters.count)")
        }
        guard family != .lowRank else { return }
        if options.rank != nil {
            throw Failure(.usage, "only changes of low rank have a rank", path: adapters[0].path)
        }
        guard case .method(let method) = way, method.isWeightedSum else {
            throw Failure(
                .notMergeable, "\(way.word) is for changes of low rank", path: adapters[0].path,
                hint: "--merge-method linear, or cat")
        }
        guard case .tokens = family else { return }
        let isEven = options.patterns.isEmpty && adapters.allSatisfy { $0.weight == adapters[0].weight }
        guard isEven, method.word != AdapterMergeMethod.svd.word else {
            throw Failure(
                .notMergeable, "virtual tokens are put one after another and cannot be weighed",
                path: adapters[0].path, hint: "leave the weights away, and use --merge-method cat or linear")
        }
    }

    // MARK: Metadata

    private func metadata(_ adapters: [WeightedAdapter]) -> [String: String] {
        var recipe = JSONObject()
        recipe["verb"] = "merge"
        recipe[way.key] = .string(way.word)
        for (key, value) in options.stated(way.settings) { recipe[key] = value }
        let parents = adapters.map { one in
            Lineage.Parent(
                contentDigest: "\(one.contentDigest)", name: Paths.lastComponent(of: one.path), weight: one.weight,
                lineage: Lineage(of: one.adapter))
        }
        var metadata: [String: String] = [:]
        Lineage(tool: output.tool, recipe: recipe, parents: parents).record(in: &metadata)
        let names = adapters.map { $0.adapter.metadata["base"] }
        if let name = names[0], names.allSatisfy({ $0 == name }) { metadata["base"] = name }
        return metadata
    }
}

extension AdapterMergeJob.Way {
    fileprivate var key: String {
        switch self {
        case .method: "merge-method"
        case .peft: "combination-type"
        }
    }
}
