package import Diagnostics
package import Tensors

/// What an index says of one tensor of an entry.
package struct TensorDescription: Hashable, Sendable {
    package let role: Role
    package let dtype: DType
    package let shape: Shape

    package init(role: Role, dtype: DType, shape: Shape) {
        self.role = role
        self.dtype = dtype
        self.shape = shape
    }
}

/// The tensors one entry may have, by factor. Where a factor is quantized its codes carry the factor's own shape, so
/// these rules need not know.
package struct EntryTensors {
    private let tensors: [TensorDescription]

    package init(_ tensors: [TensorDescription]) {
        self.tensors = tensors
    }

    package subscript(role: Role) -> Shape? {
        tensors.first { $0.role.factor == role && ($0.role.part == .whole || $0.role.part == .codes) }?.shape
    }

    package func dtype(of role: Role) -> DType? {
        tensors.first { $0.role == role }?.dtype
    }

    package var factors: [Role] {
        tensors.filter { $0.role.part == .whole || $0.role.part == .codes }.map(\.role.factor)
    }
}

/// What must hold of an entry of a kind, seen from its shapes and parameters alone.
package struct KindRule: Sendable {
    package let required: [Role]
    package let optional: [Role]
    package let check: @Sendable (EntryTensors, Parameters) throws(Failure) -> Void

    package init(
        required: [Role], optional: [Role] = [],
        check: @escaping @Sendable (EntryTensors, Parameters) throws(Failure) -> Void = { _, _ throws(Failure) in }
    ) {
        self.required = required
        self.optional = optional
        self.check = check
    }
}

extension Kind {
    /// Throws unless an entry of this kind may look so. Kinds that are not known have no rules.
    package func validate(_ tensors: [TensorDescription], parameters: Parameters) throws(Failure) {
        guard let rule = KindRule.all[self] else { return }
        let entry = EntryTensors(tensors)
        let factors = entry.factors
        for role in rule.required where !factors.contains(role) {
            throw Failure(.kindShape, "an entry of kind \(word) lacks its tensor \(role.word)")
        }
        for role in factors where !rule.required.contains(role) && !rule.optional.contains(role) {
            throw Failure(.unknownEnum, "an entry of kind \(word) has no tensor \(role.word)")
        }
        try rule.check(entry, parameters)
    }
}
