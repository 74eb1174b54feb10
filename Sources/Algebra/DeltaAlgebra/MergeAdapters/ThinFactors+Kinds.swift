import Adapters
import Diagnostics
import LinearAlgebra
import Tensors

extension ThinFactorReader {
    /// s·B·A; with KaSA's λ s·B·diag(λ)·A.
    static let lora = ThinFactorReader(
        form: { context throws(Failure) in
            try refuseMore(context)
            return try context.factorForm(.a, .b)
        },
        read: { context throws(Failure) in
            var a = try context.realMatrix(.a)
            if let lambda = context.entry[.lambda] { a = a.scalingRows(by: try lambda.floats().map(Double.init)) }
            return ThinFactors(
                a: a, b: try context.realMatrix(.b).transposed, scale: try context.adapter.loraScale(of: context.entry))
        }, rankRoles: [.a])

    /// Variants of LoRA that are no sum of a product alone, or whose factors are no plain ones.
    private static func refuseMore(_ context: UpdateContext) throws(Failure) {
        if context.entry[.magnitude] != nil || context.entry[Role.magnitude.part(.codes)] != nil {
            throw .notMergeable(
                "DoRA rescales what it adds to by the norms of the base, so it is no sum",
                hint: "apply it to the base, take the change with `tenon extract --kind lora`, and use that")
        }
        if context.entry[.bias] != nil {
            throw .notMergeable("lora_bias adds a bias beside the factors", hint: "train it without lora_bias")
        }
        let form = context.entry.parameters["form"]?.string
        if form == "parameter" || form == "blocks" || context.flag("use_qalora") {
            throw .notMergeable(
                form == "parameter"
                    ? "factors of a fused parameter are a stack of products"
                    : "the factors are block-diagonal, or see groups of inputs",
                hint: "apply it to the base, and merge checkpoints")
        }
    }

    /// s·B·(E ⊙ A), s = α/(init_r + 10⁻⁵).
    static let adalora = ThinFactorReader(
        form: { context throws(Failure) in try context.factorForm(.a, .b) },
        read: { context throws(Failure) in
            let alpha = try context.number("lora_alpha", pattern: "alpha_pattern", default: 8)
            let rank = Double(try context.integer("init_r", default: 12))
            let weights = try context.source(.e).floats().map(Double.init)
            return ThinFactors(
                a: try context.realMatrix(.a).scalingRows(by: weights), b: try context.realMatrix(.b).transposed,
                scale: (alpha > 0 ? alpha : rank) / (rank + 1e-5))
        }, rankRoles: [.a])

    /// The sums over the bank, as they are put onto a base of the entry's own sides.
    static let vectorBank = ThinFactorReader(
        form: { context throws(Failure) in try bankForm(context) },
        read: { context throws(Failure) in
            let form = try bankForm(context)
            var adapter = context.adapter
            adapter.parameters["fan_in_fan_out"] = nil
            let base = BaseTensor(dtype: .f32, shape: [form.outputs, form.columns])
            let own = UpdateContext(
                adapter: adapter, entry: context.entry, weight: 1, base: { _ in base }, shared: context.shared)
            guard case .sum(let update)? = try UpdateBuilder.updates(own).first?.prepare(),
                let product = update as? LowRank
            else { throw Failure(.internal, "a vector-bank entry is no product") }
            return ThinFactors(a: RealMatrix(product.right), b: RealMatrix(product.left).transposed, scale: 1)
        }, rankRoles: [.logitsA, .indicesA])

    private static func bankForm(_ context: UpdateContext) throws(Failure) -> FactorForm {
        let isStored = context.entry[.logitsA] == nil
        let a = try context.source(isStored ? .indicesA : .logitsA).shape.dimensions
        let b = try context.source(isStored ? .indicesB : .logitsB).shape.dimensions
        guard a.count == 3, b.count == 3 else {
            throw Failure(.kindShape, "the choices of a vector-bank entry have not three dimensions")
        }
        let length = try context.integer("vector_length", default: 256)
        return FactorForm(
            inputs: [try context.product(a[1], length)], outputs: try context.product(b[0], length), ones: 0,
            isEmbedding: false)
    }

    /// Only the base tells how much of the shared projections belongs to a module.
    static let vera = ThinFactorReader(
        form: { _ throws(Failure) in
            throw .notMergeable(
                "VeRA's entries do not say how many inputs their modules have",
                hint: "apply it to the base, take the change with `tenon extract --kind lora`, and use that")
        },
        read: { _ throws(Failure) in throw .notMergeable("VeRA's entries do not say how many inputs they have") },
        rankRoles: [.lambdaD])
}

extension UpdateContext {
    /// The sides of A [r, in, k…] and B [out, r, 1…].
    fileprivate func factorForm(_ roleA: Role, _ roleB: Role) throws(Failure) -> FactorForm {
        let a = try source(roleA).shape.dimensions
        let b = try source(roleB).shape.dimensions
        guard a.count >= 2, b.count >= 2, a[0] == b[1], b.dropFirst(2).allSatisfy({ $0 == 1 }) else {
            throw .notMergeable(
                "the factors are not those of one product", hint: "apply it to the base, and merge checkpoints")
        }
        _ = try sides(roleA)
        return FactorForm(
            inputs: Array(a.dropFirst()), outputs: b[0], ones: b.count - 2,
            isEmbedding: entry.parameters["form"]?.string == "embedding")
    }

    fileprivate func realMatrix(_ role: Role) throws(Failure) -> RealMatrix { RealMatrix(try matrix(role)) }
}

extension RealMatrix {
    init(_ matrix: Matrix) {
        self.init(rows: matrix.rows, columns: matrix.columns, matrix.values.map(Double.init))
    }
}
