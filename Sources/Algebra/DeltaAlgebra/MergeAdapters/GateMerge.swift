import Adapters
import Diagnostics
import JSON
import LinearAlgebra
import Tensors

/// (IA)³: l = 1 + Σ w_i·(l_i − 1), an absent l_i being 1.
struct GateMerge {
    let adapters: [WeightedAdapter]
    let agreement: BaseAgreement
    let dtype: DType
    let weights: (_ module: String) throws(Failure) -> [Double]

    func merged() throws(Failure) -> Adapter {
        var holders: [EntryKey: [(adapter: Int, entry: AdapterEntry)]] = [:]
        for (number, one) in adapters.enumerated() {
            let others = WholeTensors.kinds.union([.ia3, .file])
            if let other = one.adapter.entries.first(where: { !others.contains($0.key.kind) }) {
                throw Failure(
                    .notMergeable, "entries of kind \(other.key.kind.word) cannot be merged with (IA)³",
                    object: other.key.target, path: one.path)
            }
            for entry in one.adapter.entries where entry.key.kind == .ia3 {
                holders[entry.key, default: []].append((number, entry))
            }
        }
        var entries: [AdapterEntry] = []
        for key in holders.keys.sorted() {
            guard let own = holders[key] else { continue }
            do throws(Failure) { entries.append(try merged(own)) } catch { throw error.on(key.target) }
        }
        var result = Adapter(method: Method.ia3.word, entries: entries)
        for key in ["target_modules", "feedforward_modules"] {
            let names = adapters.flatMap { $0.adapter.parameters[key]?.strings ?? [] }
            if !names.isEmpty { result.parameters[key] = .list(LoRAEntries.sorted(names)) }
        }
        if adapters.contains(where: { $0.adapter.parameters["fan_in_fan_out"]?.bool == true }) {
            result.parameters["fan_in_fan_out"] = .bool(true)
        }
        result.parameters["task_type"] = MergedConfig(adapters: adapters.map(\.adapter), modules: []).shared(
            "task_type")
        return result
    }

    private func merged(_ own: [(adapter: Int, entry: AdapterEntry)]) throws(Failure) -> AdapterEntry {
        var entry = own[0].entry
        let weights = try weights(entry.modulePath)
        guard let shape = entry[.scale]?.shape else {
            throw Failure(.kindShape, "an (IA)³ entry lacks its tensor scale")
        }
        var sum = [Double](repeating: 1, count: try shape.elementCount())
        for (number, other) in own {
            guard let source = other[.scale], source.shape == shape else {
                throw Failure(
                    .kindShape, "the adapters have vectors of different shapes here", path: adapters[number].path,
                    expected: "\(shape)", actual: "\(other[.scale]?.shape ?? [])")
            }
            let values = try source.floats()
            guard values.allSatisfy(\.isFinite) else {
                throw Failure(.notFinite, "the vector has an infinity or a NaN", path: adapters[number].path)
            }
            for place in sum.indices { sum[place] += weights[number] * (Double(values[place]) - 1) }
        }
        let row = FactorPair(
            a: RealMatrix(rows: 1, columns: sum.count, sum), b: RealMatrix(rows: 1, columns: 0))
        let bytes = try RoundedFactors(row, dtype: dtype).a.bytes
        entry.tensors = [RoleTensor(.scale, try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes))]
        entry.binding = agreement.binding(own.map(\.entry.binding))
        return entry
    }
}
