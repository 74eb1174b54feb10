import Adapters
import Diagnostics
import Tensors

/// A change of a weight that an adapter holds as a product of two thin matrices, ΔW = L·R: L = B, R = s·A.
///
/// Scales and patterns are in R. Whether the target holds the product or its transpose makes no difference to what is
/// compared.
struct FactoredChange: Sendable {
    let rows: Int
    let columns: Int
    let rank: Int
    let dtype: DType
    private let b: any TensorSource
    private let a: any TensorSource
    /// What multiplies each row of A, and all of them.
    private let diagonal: (any TensorSource)?
    private let scale: Double

    /// Roles of an entry that the product speaks for.
    static let roles: Set<Role> = [.a, .b, .lambda, .e]

    /// Nil for an entry that is no such product, or whose factors lie in another way.
    ///
    /// Throws ``Failure/Code/badParameter`` for a scale that is no number.
    init?(_ adapter: Adapter, _ entry: AdapterEntry) throws(Failure) {
        guard [.lora, .adalora].contains(entry.key.kind), let a = entry[.a], let b = entry[.b],
            entry.parameters["form"]?.string != "parameter", adapter.parameters["use_qalora"]?.bool != true,
            let rank = a.shape.dimensions.first, rank > 0, let rows = b.shape.dimensions.first,
            a.byteCount > 0, b.byteCount > 0
        else { return nil }
        let inner = try Shape(Array(b.shape.dimensions.dropFirst())).elementCount()
        guard inner == rank else { return nil }
        columns = try Shape(Array(a.shape.dimensions.dropFirst())).elementCount()
        dtype = b.dtype
        self.rows = rows
        self.rank = rank
        self.a = a
        self.b = b
        if entry.key.kind == .lora {
            diagonal = entry[.lambda]
            scale = try adapter.loraScale(of: entry)
        } else {
            diagonal = entry[.e]
            scale = try adapter.adaLoRAScale(of: entry)
        }
        if let diagonal, try diagonal.shape.elementCount() != rank { return nil }
    }

    var form: TensorDiff.Form { TensorDiff.Form(dtype: dtype, shape: [rows, columns], rank: rank) }

    /// Reads both factors: L as [rows, rank], R as [rank, columns].
    func factors() throws(Failure) -> (left: Matrix, right: Matrix) {
        let (left, right, scale) = try unscaledFactors()
        return (left, right.scaled(by: scale))
    }

    /// The same, but for what all of R is multiplied by.
    func unscaledFactors() throws(Failure) -> (left: Matrix, right: Matrix, scale: Float) {
        let left = Matrix(rows: rows, columns: rank, try b.floats())
        var right = Matrix(rows: rank, columns: columns, try a.floats())
        if let diagonal { right = right.scalingRows(by: try diagonal.floats()) }
        return (left, right, Float(scale))
    }

    /// Whether two have the same bits and scale.
    func isSame(as other: FactoredChange) throws(Failure) -> Bool {
        guard scale == other.scale, try b.hasBytes(of: other.b), try a.hasBytes(of: other.a) else { return false }
        switch (diagonal, other.diagonal) {
        case (nil, nil): return true
        case (let own?, let theirs?): return try own.hasBytes(of: theirs)
        default: return false
        }
    }
}

extension Adapter {
    /// s of AdaLoRA, α/(init_r + 10⁻⁵); an α that is not positive stands for the rank, as PEFT has it.
    fileprivate func adaLoRAScale(of entry: AdapterEntry) throws(Failure) -> Double {
        let rank = parameters["init_r"]?.double ?? 12
        let alpha = try parameters["alpha_pattern"]?.value(forModule: entry.modulePath) ?? parameters["lora_alpha"]
        guard let value = (alpha ?? .int(8)).double, value.isFinite, rank.isFinite else {
            throw Failure(.badParameter, "alpha is no number", object: entry.modulePath)
        }
        return (value > 0 ? value : rank) / (rank + 1e-5)
    }
}

extension TensorSource {
    /// Whether both are of one type and shape and have the same bytes. Both are held: for what is known to be small.
    func hasBytes(of other: any TensorSource) throws(Failure) -> Bool {
        guard dtype == other.dtype, shape == other.shape else { return false }
        return try readAll() == other.readAll()
    }
}
