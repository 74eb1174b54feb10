/// What a comparison found.
package struct DiffReport: Sendable {
    /// What was compared.
    package enum Subject: String, Sendable {
        case checkpoints
        case adapters
        /// What an adapter makes of a base, and a checkpoint: figures are of the two changes of the base.
        case changes
    }

    package let subject: Subject
    /// By name; every name once.
    package let tensors: [TensorDiff]
    /// Over all tensors that have figures.
    package let total: DiffFigures
    /// Keys of the adapters' configs whose values differ.
    package let parameters: [String]

    init(subject: Subject, tensors: [TensorDiff], total: DiffFigures, parameters: [String] = []) {
        self.subject = subject
        self.tensors = tensors
        self.total = total
        self.parameters = parameters
    }

    package var isEqual: Bool { parameters.isEmpty && tensors.allSatisfy { $0.status == .equal } }

    /// Whether there are any numbers that ``total`` is of.
    package var hasFigures: Bool { tensors.contains { $0.figures != nil } }

    /// Why both are not within this relative change of all numbers together: it is more, or something else than numbers
    /// differs.
    package enum Excess: Sendable {
        case relativeChange(Double)
        /// Keys of the config.
        case parameters([String])
        /// A tensor that only one has, or of another shape, or without numbers that could be compared; how many such there
        /// are.
        case structure(TensorDiff, count: Int)
        /// A tensor with elements that are infinite or NaN.
        case unusable(TensorDiff)
    }

    /// Nil where both have the same tensors and config, and all that changed is numbers, by no more than so much.
    package func excess(over relativeChange: Double) -> Excess? {
        if isEqual { return nil }
        if !parameters.isEmpty { return .parameters(parameters) }
        let others = tensors.filter { tensor in
            switch tensor.status {
            case .equal: false
            case .changed, .dtype: tensor.figures == nil
            case .added, .removed, .reshaped: true
            }
        }
        if let first = others.first { return .structure(first, count: others.count) }
        let unusable = tensors.first { $0.status != .equal && ($0.figures?.elements?.unusable ?? 0) > 0 }
        if let unusable { return .unusable(unusable) }
        return total.relativeChange <= relativeChange ? nil : .relativeChange(total.relativeChange)
    }

    package func isWithin(_ relativeChange: Double) -> Bool { excess(over: relativeChange) == nil }

    /// Those that differ and then those that do not, worst first: what has no partner, then by relative change.
    package var worstFirst: [TensorDiff] {
        func key(_ tensor: TensorDiff) -> (Double, Double) {
            switch tensor.status {
            case .added, .removed, .reshaped: (2, 0)
            case .changed, .dtype: (1, tensor.figures?.relativeChange ?? .infinity)
            case .equal: (0, 0)
            }
        }
        return tensors.enumerated().sorted { a, b in
            let (x, y) = (key(a.element), key(b.element))
            return x == y ? a.offset < b.offset : x > y
        }.map(\.element)
    }
}
