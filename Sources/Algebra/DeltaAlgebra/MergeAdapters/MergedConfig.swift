import Adapters
import Diagnostics
import JSON

/// The config of a LoRA that was made of adapters, with no base at hand: every scale is 1, for alpha is the rank.
struct MergedConfig {
    let adapters: [Adapter]
    /// The modules of all adapters' entries of low rank, also of those that came to nothing.
    let modules: [String]

    /// - Parameter ranks: Of every module that has factors.
    func parameters(_ ranks: [(module: String, rank: Int)]) -> Parameters {
        let largest = max(1, ranks.map(\.rank).max() ?? 1)
        var parameters: Parameters = [
            "r": .int(Int64(largest)), "lora_alpha": .int(Int64(largest)),
            "target_modules": .list(LoRAEntries.sorted(targetNames(ranks.map(\.module)))),
        ]
        let others = patterns(ranks, largest)
        if !others.isEmpty {
            parameters["rank_pattern"] = .map(others)
            parameters["alpha_pattern"] = .map(others)
        }
        parameters = Method.lora.parameters(of: parameters.members)
        if adapters.contains(where: { $0.parameters["fan_in_fan_out"]?.bool == true }) {
            parameters["fan_in_fan_out"] = .bool(true)
        }
        parameters["task_type"] = shared("task_type")
        return parameters
    }

    /// What all adapters say, if they say the same.
    func shared(_ key: String) -> ParameterValue? {
        guard let first = adapters.first?.parameters[key] else { return nil }
        return adapters.allSatisfy { $0.parameters[key] == first } ? first : nil
    }

    /// Modules of another rank than the most, and those that another's pattern would match as well; longer paths first,
    /// for the first match counts.
    private func patterns(_ ranks: [(module: String, rank: Int)], _ largest: Int) -> [ParameterValue.Member] {
        let named = Set(ranks.filter { $0.rank != largest }.map { ExactKey($0.module) })
        return ranks.filter { rank in
            rank.rank != largest || rank.module.properSuffixes.contains { named.contains(ExactKey($0)) }
        }
        .sorted { a, b in
            let (x, y) = (a.module.utf8.count, b.module.utf8.count)
            return x == y ? a.module.precedesInBytes(b.module) : x > y
        }
        .map { ParameterValue.Member($0.module, .int(Int64($0.rank))) }
    }

    /// A name that one adapter has among its targets stands for all modules whose paths end in it, so it is used where each
    /// of them has factors; the whole path otherwise.
    private func targetNames(_ present: [String]) -> [String] {
        let present = Set(present.map { ExactKey($0) })
        let missing = modules.filter { !present.contains(ExactKey($0)) }
        var names: [String] = []
        for adapter in adapters where Self.limits.allSatisfy({ adapter.parameters[$0] == nil }) {
            names += adapter.parameters["target_modules"]?.strings ?? []
        }
        let whole = Set(names.filter { name in !missing.contains { $0.endsWithPath(name) } }.map { ExactKey($0) })
        return present.map { path in
            ([path.string] + path.string.properSuffixes).last { whole.contains(ExactKey($0)) } ?? path.string
        }
    }

    /// Keys by which an adapter has only some of the modules that its targets name.
    private static let limits = ["layers_to_transform", "layers_pattern", "exclude_modules"]
}

extension String {
    /// The path without its first component, without its first two, ….
    fileprivate var properSuffixes: [String] {
        indices.filter { self[$0] == "." }.map { String(self[index(after: $0)...]) }
    }

    fileprivate func endsWithPath(_ end: String) -> Bool { self == end || hasSuffix("." + end) }
}
