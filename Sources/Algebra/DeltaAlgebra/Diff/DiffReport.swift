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

    /// Whether both have the same tensors and all that changed is numbers, by no more than this relative change of all of
    /// them together.
    package func isWithin(_ relativeChange: Double) -> Bool {
        isEqual
            || parameters.isEmpty && total.relativeChange <= relativeChange
                && tensors.allSatisfy { tensor in
                    switch tensor.status {
                    case .equal: true
                    case .changed, .dtype: tensor.figures.map { ($0.elements?.unusable ?? 0) == 0 } ?? false
                    case .added, .removed, .reshaped: false
                    }
                }
    }

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
