import Adapters
import Diagnostics
import Synchronization
import Tensors

/// What several entries of an adapter refer to, read or drawn once.
final class SharedFactors: Sendable {
    private let adapter: Adapter
    private let base: @Sendable (String) -> BaseTensor?
    private let held = Mutex<[Name: Matrix]>([:])

    /// Matrices that are made at most once.
    private enum Name: Hashable {
        case a, b, bank
    }

    init(_ adapter: Adapter, base: @escaping @Sendable (String) -> BaseTensor?) {
        self.adapter = adapter
        self.base = base
    }

    private var entry: AdapterEntry? { adapter.entries.first { $0.key.kind == .shared } }

    private func matrix(
        _ name: Name, _ make: () throws(Failure) -> [Name: Matrix]
    ) throws(Failure) -> Matrix {
        try held.withLock { held throws(Failure) in
            if let matrix = held[name] { return matrix }
            for (name, matrix) in try make() { held[name] = matrix }
            guard let matrix = held[name] else {
                throw Failure(.kindShape, "the adapter lacks a tensor that its modules share", object: adapter.method)
            }
            return matrix
        }
    }

    /// VB-LoRA's bank [h, b].
    func bank() throws(Failure) -> Matrix {
        try matrix(.bank) { () throws(Failure) in try stored([(.bank, .bank)]) }
    }

    private func stored(_ roles: [(name: Name, role: Role)]) throws(Failure) -> [Name: Matrix] {
        var matrices: [Name: Matrix] = [:]
        guard let entry else { return matrices }
        for (name, role) in roles {
            guard let source = entry[role], let rows = source.shape.dimensions.first, rows > 0 else { continue }
            let values = try source.floats()
            matrices[name] = Matrix(rows: rows, columns: values.count / rows, values)
        }
        return matrices
    }

    // MARK: Projections

    /// VeRA's A [r, max in] and B [max out, r], stored or drawn: Kaiming's uniform distribution, A first.
    func veraProjections(rank: Int) throws(Failure) -> (a: Matrix, b: Matrix) {
        let make = { () throws(Failure) -> [Name: Matrix] in
            let matrices = try self.stored([(.a, .a), (.b, .b)])
            guard matrices.isEmpty, self.isDrawn else { return matrices }
            let (out, inputs) = try self.largestSides()
            var random = try self.random()
            func draw(_ rows: Int, _ columns: Int) -> Matrix {
                // √2/√fan·√3 in fp64, as Python has it.
                let bound = 3.0.squareRoot() * (2.0.squareRoot() / Double(columns).squareRoot())
                return Matrix(
                    rows: rows, columns: columns, (0..<(rows * columns)).map { _ in random.uniform(-bound, bound) })
            }
            return [.a: draw(rank, inputs), .b: draw(out, rank)]
        }
        return (try matrix(.a, make), try matrix(.b, make))
    }

    /// RandLoRA's A [r, max of the lesser sides] and B [max of the larger sides, bases·r], stored or drawn.
    func randomBases(rank: Int) throws(Failure) -> (a: Matrix, b: Matrix) {
        let make = { () throws(Failure) -> [Name: Matrix] in
            let matrices = try self.stored([(.a, .a), (.b, .b)])
            guard matrices.isEmpty, self.isDrawn else { return matrices }
            let (out, inputs) = try self.largestSides()
            var random = try self.random()
            let bases = RandomBases.draw(
                &random, rank: rank, lesser: min(out, inputs), larger: max(out, inputs),
                sparsity: self.sparsity(lesser: min(out, inputs)))
            return [.a: bases.a, .b: bases.b]
        }
        return (try matrix(.a, make), try matrix(.b, make))
    }

    private var isDrawn: Bool { adapter.parameters["save_projection"]?.bool == false }

    private func sparsity(lesser: Int) -> Double? {
        if adapter.parameters["very_sparse"]?.bool == true { return Double(lesser).squareRoot() }
        return adapter.parameters["sparse"]?.bool == true ? 3 : nil
    }

    private func random() throws(Failure) -> TorchRandom {
        let key = adapter.parameters["projection_prng_key"] ?? 0
        guard let seed = key.int else {
            throw Failure(.badParameter, "projection_prng_key is no integer", actual: key.summary)
        }
        return TorchRandom(seed: seed)
    }

    /// The most outputs and the most inputs that any adapted module has: what was drawn is of that size.
    private func largestSides() throws(Failure) -> (out: Int, in: Int) {
        var largest = (out: 0, in: 0)
        for entry in adapter.entries where entry.key.kind == .vera || entry.key.kind == .randomBasis {
            let context = UpdateContext(adapter: adapter, entry: entry, weight: 1, base: base, shared: self)
            let layout =
                entry.key.kind == .vera
                ? try context.layout(out: try context.sides(.lambdaB).rows) : try context.layout()
            largest = (max(largest.out, layout.out), max(largest.in, layout.in))
        }
        return largest
    }
}
