import Adapters
import Diagnostics
import Tensors

/// How entries of one kind become updates: one value per kind, in `Kinds/`.
struct UpdateBuilder: Sendable {
    /// Checks the shapes of an entry against its target; returns no update where there is nothing to do.
    let plan: @Sendable (UpdateContext) throws(Failure) -> [PlannedUpdate]

    private static let all: [Kind: UpdateBuilder] = [
        .lora: lora, .adalora: adalora, .vera: vera, .hadamard: hadamard, .kronecker: kronecker,
        .orthogonal: orthogonal, .butterfly: butterfly, .householder: householder, .spectrum: spectrum, .rows: rows,
        .randomBasis: randomBasis, .vectorBank: vectorBank, .shards: shards, .ia3: ia3, .bias: bias, .dense: dense,
        .sparse: sparse, .mask: mask, .signs: signs, .full: full,
    ]

    /// Kinds that are no update of a weight and need none here.
    private static let others: Set<Kind> = [.exact, .removed, .alias, .extend, .file, .shared]

    static func updates(_ context: UpdateContext) throws(Failure) -> [PlannedUpdate] {
        let kind = context.entry.key.kind
        if others.contains(kind) { return [] }
        // A tensor without elements multiplies into nothing.
        if let empty = context.entry.parameters.emptyTensors, !empty.isEmpty { return [] }
        if let builder = all[kind] {
            let updates = try builder.plan(context)
            for update in updates where update.effect != .replace { try checkFloat(update.target, context) }
            return updates
        }
        let method = Method.named(context.adapter.method)
        // What an understood method carries along as opaque is for training alone.
        if kind == .opaque, method != nil { return [] }
        if let method, case .none(let why) = method.mergeability {
            throw .notMergeable("\(method.name) does not change weights: \(why)")
        }
        throw .notMergeable(
            method == nil
                ? "the method \(context.adapter.method) is not understood, so what it does to weights is not known"
                : "entries of kind \(kind.word) do not change weights")
    }
}

extension UpdateBuilder {
    /// Refuses codes of a quantized weight: they are no numbers to add to.
    private static func checkFloat(_ target: String, _ context: UpdateContext) throws(Failure) {
        let dtype = try context.tensor(target).dtype
        guard dtype.isFloat else {
            throw Failure(
                .baseIncompatible, "the base's tensor does not hold plain floats", object: target,
                expected: "F32, BF16, F16 or F64", actual: dtype.name,
                hint: "give the base in 16 or 32 bits; a quantized one cannot take up a change")
        }
    }
}

extension Failure {
    /// An entry that is no change of a weight; what can be done with any such adapter is to keep it one.
    static func notMergeable(
        _ what: String,
        hint: String = "keep it as an adapter: `tenon unpack` gives it back for whatever runs the model"
    ) -> Failure {
        Failure(.notMergeable, what, hint: hint)
    }
}
