import Adapters
import Diagnostics
import LinearAlgebra
import Tensors

/// One adapter's change of a target, scale·B·A, in fp64.
struct ThinFactors: Sendable {
    /// A, [r, in].
    let a: RealMatrix
    /// Bᵀ, [r, out].
    let b: RealMatrix
    let scale: Double

    var rank: Int { a.rows }
}

/// How the factors of a target lie: as those of a linear layer, a convolution or an embedding.
struct FactorForm: Hashable, Sendable {
    /// The dimensions of A after its rank.
    let inputs: [Int]
    let outputs: Int
    /// How many dimensions of one B has after its rank.
    let ones: Int
    let isEmbedding: Bool

    /// A side of A.
    var columns: Int { inputs.reduce(1, *) }

    var description: String { "A [r, \(inputs.map(String.init).joined(separator: ", "))], B [\(outputs), r]" }

    /// An entry of kind `lora` with these factors.
    func entry(
        _ target: String, a: TensorBuffer, b: TensorBuffer, binding: EntryBinding?
    ) throws(Failure) -> AdapterEntry {
        let rank = a.shape.dimensions[0]
        let shapeB = Shape([outputs, rank] + [Int](repeating: 1, count: ones))
        return AdapterEntry(
            key: EntryKey(target, .lora), parameters: isEmbedding ? ["form": "embedding"] : [:],
            tensors: [
                RoleTensor(.a, try TensorBuffer(dtype: a.dtype, shape: Shape([rank] + inputs), bytes: a.bytes)),
                RoleTensor(.b, try TensorBuffer(dtype: b.dtype, shape: shapeB, bytes: b.bytes)),
            ], binding: binding)
    }
}

/// How entries of one kind become thin factors, without a base.
struct ThinFactorReader: Sendable {
    /// Looks at shapes and parameters alone.
    let form: @Sendable (UpdateContext) throws(Failure) -> FactorForm
    let read: @Sendable (UpdateContext) throws(Failure) -> ThinFactors
    /// Whose first dimension is the rank; the first that is there.
    let rankRoles: [Role]

    func rank(_ context: UpdateContext) throws(Failure) -> Int {
        for role in rankRoles where context.entry[role] != nil {
            return try context.source(role).shape.dimensions.first ?? 0
        }
        throw Failure(.kindShape, "an entry has no rank", object: context.target)
    }

    static let all: [Kind: ThinFactorReader] = [.lora: lora, .adalora: adalora, .vectorBank: vectorBank, .vera: vera]
}

/// An entry of low rank, in an adapter.
struct LowRankEntry: Sendable {
    let form: FactorForm
    /// Bytes of the factors as they are stored.
    let byteCount: Int
    /// Of the factors as they are stored, the wider where they differ.
    let dtype: DType
    private let context: UpdateContext
    private let reader: ThinFactorReader
    private let path: String

    /// That of A.
    let rank: Int

    var target: String { context.target }
    var modulePath: String { context.entry.modulePath }
    var binding: EntryBinding? { context.entry.binding }

    /// Nil for an entry of another sort, and for one whose factors have no elements.
    ///
    /// Throws ``Failure/Code/notMergeable`` for what is no change of low rank of its own.
    init?(_ entry: AdapterEntry, of adapter: Adapter, shared: SharedFactors, path: String) throws(Failure) {
        guard let reader = ThinFactorReader.all[entry.key.kind] else { return nil }
        if let empty = entry.parameters.emptyTensors, !empty.isEmpty { return nil }
        self.reader = reader
        self.path = path
        context = UpdateContext(adapter: adapter, entry: entry, weight: 1, base: { _ in nil }, shared: shared)
        do throws(Failure) {
            try context.checkMergeable(isResidual: false)
            form = try reader.form(context)
        } catch {
            throw error.on(entry.key.target).at(path: path)
        }
        rank = try reader.rank(context)
        byteCount = entry.tensors.reduce(0) { $0 + $1.source.byteCount }
        dtype = entry.tensors.map(\.source.dtype).max { $0.bits < $1.bits } ?? .f32
    }

    /// Throws ``Failure/Code/notFinite`` for an infinity or a NaN, and what reading throws.
    func read() throws(Failure) -> ThinFactors {
        do throws(Failure) {
            let factors = try reader.read(context)
            guard factors.a.values.allSatisfy(\.isFinite), factors.b.values.allSatisfy(\.isFinite),
                factors.scale.isFinite
            else {
                throw Failure(.notFinite, "the factors have an infinity or a NaN")
            }
            return factors
        } catch {
            throw error.on(target).at(path: path)
        }
    }
}
