import LinearAlgebra

/// The changes of one target in the spaces that their stacked factors span: D_i = Q_B·C_i·Q_Aᵀ with orthonormal columns of
/// both Q, so that inner products and singular values of the small C_i are those of the D_i.
struct CoreSpace: Sendable {
    private let left: HouseholderQR
    private let right: HouseholderQR
    /// C_i [k_B, k_A], one for each adapter; zero where it has no factors.
    let cores: [RealMatrix]

    /// Singular values up to this share of the largest are taken for rounding.
    static let precision = 0x1p-20
    /// Elements of cores up to this share of the largest are taken for zero, so that rounding elects no signs.
    private static let nothing = 0x1p-40

    /// - Parameter changes: Of each adapter its products, whose sum is its change.
    init(_ changes: [[ThinFactors]], form: FactorForm) {
        let all = changes.flatMap(\.self)
        let left = HouseholderQR(columns: .stacked(all.map(\.b), columns: form.outputs))
        let right = HouseholderQR(columns: .stacked(all.map(\.a), columns: form.columns))
        self.left = left
        self.right = right
        var first = 0
        cores = changes.map { products in
            var core = RealMatrix(rows: left.factor.rows, columns: right.factor.rows)
            for product in products {
                let own = first..<first + product.rank
                first += product.rank
                core.add(
                    product.scale, times: left.factor.columns(own).timesTransposed(right.factor.columns(own)))
            }
            return core
        }
    }

    /// The inner products of the changes.
    var gram: GramMatrix {
        GramMatrix(
            count: cores.count, lower: cores.indices.flatMap { i in (0...i).map { cores[i].dot(cores[$0]) } })
    }

    /// Σ c_i·C_i.
    func sum(_ factors: [Double]) -> RealMatrix {
        var sum = RealMatrix(rows: left.factor.rows, columns: right.factor.rows)
        for (factor, core) in zip(factors, cores) where factor != 0 { sum.add(factor, times: core) }
        return sum
    }

    /// What `merge` makes of the changes as they look from the singular vectors of all side by side, and of all one below
    /// the other: there they do not depend on how each was split into factors, nor on their order.
    func merged(_ merge: ([RealMatrix]) -> RealMatrix) -> RealMatrix {
        let beside = SingularValues(.stacked(cores.map(\.transposed), columns: left.factor.rows))
        let below = SingularValues(.stacked(cores, columns: right.factor.rows))
        let (p, q) = (beside.rank(above: Self.precision), below.rank(above: Self.precision))
        guard p > 0, q > 0 else { return RealMatrix(rows: left.factor.rows, columns: right.factor.rows) }
        let (u, v) = (beside.right.rows(0..<p), below.right.rows(0..<q))
        var seen = cores.map { (u * $0).timesTransposed(v) }
        let least = Self.nothing * seen.reduce(0) { max($0, $1.largestMagnitude) }
        for index in seen.indices {
            for place in seen[index].values.indices where seen[index].values[place].magnitude <= least {
                seen[index].values[place] = 0
            }
        }
        return u.transposed * merge(seen) * v
    }

    /// The factors √S-balanced of the `rank` largest singular values of Q_B·C·Q_Aᵀ.
    func factors(_ values: SingularValues, rank: Int) -> FactorPair {
        let roots = values.values.prefix(rank).map { $0.squareRoot() }
        return FactorPair(
            a: right.applied(to: values.right.rows(0..<rank)).scalingRows(by: roots),
            b: left.applied(to: values.left.rows(0..<rank)).scalingRows(by: roots))
    }
}

/// B·A, not yet rounded.
struct FactorPair: Sendable {
    /// A, [r, in].
    let a: RealMatrix
    /// Bᵀ, [r, out].
    let b: RealMatrix

    var rank: Int { a.rows }
}
