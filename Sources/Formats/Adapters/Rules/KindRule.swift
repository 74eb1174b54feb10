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

extension KindRule {
    /// Every kind's rule. A kind without a row has none.
    package static let all: [Kind: KindRule] = [
        .lora: lora, .adalora: adalora, .vera: vera, .hadamard: hadamard, .kronecker: kronecker,
        .orthogonal: orthogonal, .butterfly: butterfly, .householder: householder, .spectrum: spectrum, .rows: rows,
        .randomBasis: randomBasis, .vectorBank: vectorBank, .shards: shards, .ia3: ia3, .prefix: prefix,
        .prompt: prompt, .gatedPrompt: gatedPrompt, .bottleneck: bottleneck, .bias: bias, .dense: dense,
        .sparse: sparse, .mask: mask, .signs: signs, .exact: exact, .full: full, .removed: removed, .alias: alias,
        .extend: extend, .correction: correction, .file: file, .opaque: opaque, .shared: shared,
    ]
}

extension Kind {
    /// Throws unless an entry of this kind may look so: ``Failure/Code/kindShape`` for a tensor that is missing or has
    /// another shape, ``Failure/Code/unknownEnum`` for one that the kind does not have,
    /// ``Failure/Code/quantizationParameter`` where the parts of a quantized factor do not fit together,
    /// ``Failure/Code/badParameter`` for a parameter out of range. Kinds that are not known have no rules.
    package func validate(_ tensors: [TensorDescription], parameters: Parameters) throws(Failure) {
        for member in parameters.members { try member.value.checkFinite(name: member.key) }
        guard let rule = KindRule.all[self] else { return }
        try QuantizedFactor.check(tensors, parameters)
        guard let empty = parameters.emptyTensors else {
            throw Failure(
                .badParameter, "the parameter empty of a \(word) entry does not describe tensors without elements")
        }
        let entry = EntryTensors(word, tensors, empty: empty)
        for tensor in tensors where tensor.shape.dimensions.contains(0) {
            throw Failure(.kindShape, "the tensor \(tensor.role.word) of a \(word) entry has no elements")
        }
        guard self != .file || empty.isEmpty else {
            throw Failure(.kindShape, "an entry of kind file has tensors without elements")
        }
        for tensor in empty where tensors.contains(where: { $0.role.factor == tensor.role }) {
            throw Failure(.kindShape, "the tensor \(tensor.role.word) of a \(word) entry is there and empty as well")
        }
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
