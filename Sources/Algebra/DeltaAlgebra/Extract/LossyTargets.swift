import Adapters
import Diagnostics

/// Which of the tensors that changed an approximate delta comes near to, and what becomes of the others.
struct LossyTargets {
    /// Numbers of pairs.
    let approximated: [Int]
    /// What is no matrix of floats.
    let others: [Int]
    /// Matrices of modules that were not asked for.
    let left: [Int]

    /// - Parameter fits: Whether the form can hold a tensor's change.
    ///
    /// Throws ``Failure/Code/usage`` where none of the modules that were asked for changed.
    init(
        _ pair: CheckpointPair, modules: [String]?, fits: (TensorPair) -> Bool
    ) throws(Failure) {
        var approximated: [Int] = []
        var others: [Int] = []
        var left: [Int] = []
        for (number, one) in pair.pairs.enumerated() where pair.findings[number].changes > 0 {
            if fits(one), Self.isAsked(one.name, modules) {
                approximated.append(number)
            } else if modules == nil {
                others.append(number)
            } else {
                left.append(number)
            }
        }
        if approximated.isEmpty, let first = left.first {
            throw Failure(
                .usage, "no tensor that changed is one of the target modules", object: pair.pairs[first].name,
                expected: modules?.joined(separator: ", "),
                hint: "modules are named as q_proj or by the end of their path")
        }
        self.approximated = approximated
        self.others = others
        self.left = left
    }

    private static func isAsked(_ name: String, _ modules: [String]?) -> Bool {
        guard let modules else { return true }
        let path = name.hasSuffix(".weight") ? name.dropLast(".weight".count) : name[...]
        return modules.contains { path == $0 || path.hasSuffix("." + $0) }
    }

    /// What is told of the tensors that are left as they are in the base.
    func findings(_ pair: CheckpointPair) -> [Finding] {
        guard let first = left.first else { return [] }
        return [
            Finding(
                "left-out", "\(left.count) tensors that changed are no target modules", object: pair.pairs[first].name)
        ]
    }
}

/// An approximate delta, and how good it is.
struct LossyOutcome {
    let adapter: Adapter
    let results: [LossyResult]
    let findings: [Finding]
}
