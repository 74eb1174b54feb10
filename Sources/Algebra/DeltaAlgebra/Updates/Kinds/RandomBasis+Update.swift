import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// RandLoRA: Δ = (α/r)·B·A with the n·r products counted as PEFT flattens its factors: column j·r + k of B is
    /// B[:, j, k], row k·n + j of A is λ[k, j]·A[k]·γ[j]. A has the lesser side of the weight; where that is the outputs,
    /// ΔW = (α/r)·Aᵀ·Bᵀ.
    static let randomBasis = UpdateBuilder { context throws(Failure) in
        let lambda = try context.sides(.lambda)
        let gamma = try context.sides(.gamma)
        let layout = try context.layout()
        let lesser = min(layout.out, layout.in)
        guard gamma.columns == lesser else {
            throw context.mismatch(try context.tensor(), expected: "a lesser side of \(gamma.columns)")
        }
        let alpha = try context.number("randlora_alpha", default: 640)
        let scale = Float(alpha / Double(lambda.rows) * context.weight)
        if context.weight == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                let (a, b) = try factors(context, larger: max(layout.out, layout.in))
                let change =
                    layout.in == lesser
                    ? LowRank(b: b, a: a, scale: scale, layout)
                    : LowRank(b: a.transposed, a: b.transposed, scale: scale, layout)
                return .sum(change)
            }
        ]
    }

    /// A [n·r, lesser] and B [larger, n·r].
    private static func factors(_ context: UpdateContext, larger: Int) throws(Failure) -> (a: Matrix, b: Matrix) {
        let lambda = try context.matrix(.lambda)
        let gamma = try context.matrix(.gamma)
        let (rank, bases, lesser) = (lambda.rows, lambda.columns, gamma.columns)
        let own = context.entry[.a] != nil && context.entry[.b] != nil
        let (a, b) =
            own
            ? (a: try context.matrix(.a), b: try context.matrix(.b)) : try context.shared.randomBases(rank: rank)
        guard a.rows == rank, a.columns >= lesser, b.rows >= larger, b.columns >= bases * rank, b.columns % rank == 0
        else {
            throw Failure(
                .kindShape, "the random bases are too small",
                expected: "A [\(rank), ≥ \(lesser)], B [≥ \(larger), ≥ \(bases)·\(rank)]",
                actual: "A [\(a.rows), \(a.columns)], B [\(b.rows), \(b.columns)]")
        }
        var scaled = Matrix(
            rows: rank * bases, columns: lesser, [Float](repeating: 0, count: rank * bases * lesser))
        for k in 0..<rank {
            for j in 0..<bases {
                for column in 0..<lesser {
                    scaled[k * bases + j, column] = lambda[k, j] * a[k, column] * gamma[j, column]
                }
            }
        }
        return (scaled, b.cropped(rows: larger, columns: bases * rank))
    }
}

/// The bases that RandLoRA draws where it does not store them.
enum RandomBases {
    /// A [r, lesser] and B [larger, n·r], n = ⌈lesser/r⌉, each over its standard deviation.
    ///
    /// - Parameter sparsity: Where given, elements are −1, 0 or 1, the outer two with probability 1/2s each.
    static func draw(
        _ random: inout TorchRandom, rank: Int, lesser: Int, larger: Int, sparsity: Double?
    ) -> (a: Matrix, b: Matrix) {
        let bases = (lesser + rank - 1) / rank
        guard let sparsity else {
            return dense(&random, rank: rank, lesser: lesser, larger: larger, bases: bases)
        }
        let bound = Float(1 / (2 * sparsity))
        let upper = Float(1 - 1 / (2 * sparsity))
        func draw(_ rows: Int, _ columns: Int) -> Matrix {
            let values = (0..<(rows * columns)).map { _ -> Float in
                let value = random.uniform(0, 1)
                return value < bound ? -1 : value > upper ? 1 : 0
            }
            let deviation = Float(deviation(values))
            return Matrix(rows: rows, columns: columns, values.map { $0 / deviation })
        }
        return (draw(rank, lesser), draw(larger, bases * rank))
    }

    /// Uniform numbers that were drawn as bf16: eight bits of a word, bounds and deviation rounded to bf16 too.
    private static func dense(
        _ random: inout TorchRandom, rank: Int, lesser: Int, larger: Int, bases: Int
    ) -> (a: Matrix, b: Matrix) {
        func draw(_ count: Int, fan: Int) -> [Float] {
            // √3·(√(2/6)/√fan): Kaiming's bound with a = √5.
            let bound = 3.0.squareRoot() * ((2.0 / 6.0).squareRoot() / Double(fan).squareRoot())
            return (0..<count).map { _ in random.uniformBFloat16(-bound, bound) }
        }
        func normalized(_ matrix: Matrix) -> Matrix {
            let deviation = Float(deviation(matrix.values)).roundedToBFloat16
            return Matrix(
                rows: matrix.rows, columns: matrix.columns,
                matrix.values.map { ($0 / deviation).roundedToBFloat16 })
        }
        let a = Matrix(rows: rank, columns: lesser, draw(rank * lesser, fan: lesser))
        var b = Matrix(
            rows: larger, columns: bases * rank, [Float](repeating: 0, count: larger * bases * rank))
        for base in 0..<bases {
            let values = draw(larger * rank, fan: rank)
            for row in 0..<larger {
                for k in 0..<rank { b[row, base * rank + k] = values[row * rank + k] }
            }
        }
        return (normalized(a), normalized(b))
    }

    /// The standard deviation of a sample.
    private static func deviation(_ values: [Float]) -> Double {
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        return (squares / Double(values.count - 1)).squareRoot()
    }
}
