import Adapters
import Diagnostics
import JSON
import LinearAlgebra
import Tensors

/// Entries that hold tensors whole beside those of low rank: biases, saved modules, rows of embeddings.
struct WholeTensors {
    let adapters: [WeightedAdapter]
    let agreement: BaseAgreement
    let dtype: DType
    let weights: (_ module: String) throws(Failure) -> [Double]

    static let kinds: Set<Kind> = [.bias, .full, .rows]

    /// Differences are added by their weights; what replaces the base's must be the same wherever it is, and stays so.
    ///
    /// Throws ``Failure/Code/notMergeable`` for tensors that differ.
    func merged() throws(Failure) -> [AdapterEntry] {
        var holders: [EntryKey: [(adapter: Int, entry: AdapterEntry)]] = [:]
        for (number, one) in adapters.enumerated() {
            for entry in one.adapter.entries where Self.kinds.contains(entry.key.kind) {
                holders[entry.key, default: []].append((number, entry))
            }
        }
        var entries: [AdapterEntry] = []
        for key in holders.keys.sorted() {
            guard let own = holders[key] else { continue }
            let isAdded = own.map { $0.entry.parameters["mode"]?.string == "add" }
            do throws(Failure) {
                entries.append(isAdded.allSatisfy(\.self) ? try sum(own) : try same(own))
            } catch {
                throw error.on(key.target)
            }
        }
        return entries
    }

    /// The config keys that belong to what was kept.
    func parameters(_ kept: [AdapterEntry]) throws(Failure) -> [ParameterValue.Member] {
        var members: [ParameterValue.Member] = []
        let saved = adapters.flatMap { $0.adapter.parameters["modules_to_save"]?.strings ?? [] }
        if !saved.isEmpty { members.append(.init("modules_to_save", .list(LoRAEntries.sorted(saved)))) }
        for (key, kind) in [("bias", Kind.bias), ("trainable_token_indices", .rows)]
        where kept.contains(where: { $0.key.kind == kind }) {
            let values = adapters.filter { $0.adapter.entries.contains { $0.key.kind == kind } }
                .map { $0.adapter.parameters[key] }
            guard let first = values.first, values.allSatisfy({ $0 == first }) else {
                throw .notMergeable("the adapters have different values of \(key)")
            }
            if let first { members.append(.init(key, first)) }
        }
        return members
    }

    /// Σ w_i·v_i, an absent one being zero.
    private func sum(_ own: [(adapter: Int, entry: AdapterEntry)]) throws(Failure) -> AdapterEntry {
        let weights = try weights(own[0].entry.modulePath)
        var total: RealMatrix?
        var shape = Shape([])
        for (number, entry) in own {
            guard let source = entry[.value] else { continue }
            let values = try source.floats().map(Double.init)
            guard values.allSatisfy(\.isFinite) else {
                throw Failure(.notFinite, "the tensor has an infinity or a NaN", path: adapters[number].path)
            }
            var sum = total ?? RealMatrix(rows: 1, columns: values.count)
            guard sum.columns == values.count, total == nil || shape == source.shape else {
                throw Failure(
                    .kindShape, "the adapters have tensors of different shapes here", path: adapters[number].path,
                    expected: "\(shape)", actual: "\(source.shape)")
            }
            shape = source.shape
            sum.add(weights[number], times: RealMatrix(rows: 1, columns: values.count, values))
            total = sum
        }
        guard let total else { throw Failure(.kindShape, "an entry lacks its tensor value") }
        var entry = own[0].entry
        let rounded = try RoundedFactors(FactorPair(a: total, b: RealMatrix(rows: 1, columns: 0)), dtype: dtype).a
        entry.tensors = [RoleTensor(.value, try TensorBuffer(dtype: dtype, shape: shape, bytes: rounded.bytes))]
        entry.binding = agreement.binding(own.map(\.entry.binding))
        return entry
    }

    private func same(_ own: [(adapter: Int, entry: AdapterEntry)]) throws(Failure) -> AdapterEntry {
        var entry = own[0].entry
        for (number, other) in own.dropFirst() {
            guard try Self.areEqual(entry, other) else {
                throw .notMergeable(
                    "\(adapters[own[0].adapter].path) and \(adapters[number].path) both put a tensor of their own in place here, and not the same",
                    hint: "leave it out of all but one, or merge checkpoints: `tenon merge --recipe`")
            }
        }
        entry.binding = agreement.binding(own.map(\.entry.binding))
        return entry
    }

    private static func areEqual(_ a: AdapterEntry, _ b: AdapterEntry) throws(Failure) -> Bool {
        guard a.parameters == b.parameters, a.tensors.map(\.role) == b.tensors.map(\.role) else { return false }
        for (one, other) in zip(a.tensors, b.tensors) {
            let (x, y) = (one.source, other.source)
            guard x.dtype == y.dtype, x.shape == y.shape, try x.hasSameBytes(as: y) else { return false }
        }
        return true
    }
}
