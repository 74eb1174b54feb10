import Adapters
import Diagnostics
import Kernels
import Tensors

/// What PEFT saves of AdaLoRA's triplets: those whose singular value is not zero, and a `rank_pattern` that says which these
/// are. The others do nothing.
struct TripletPruning: Sendable {
    private let initialRank: Int
    /// Which triplets an adapter that was pruned before has.
    private let known: [String: [Int]]

    init(_ parameters: Parameters) {
        initialRank = parameters["init_r"]?.int ?? 12
        var known: [String: [Int]] = [:]
        for member in parameters["rank_pattern"]?.map ?? [] {
            let flags = member.value.list ?? []
            known[member.key] = flags.indices.filter { flags[$0] == true }
        }
        self.known = known
    }

    /// Where all values are zero nothing was trained, and nothing is left out.
    func pruned(_ adapter: Adapter) throws(Failure) -> Adapter {
        let places = adapter.entries.indices.filter { adapter.entries[$0].key.kind == .adalora }
        var kept: [Int: [Int]] = [:]
        for place in places { kept[place] = try self.kept(adapter.entries[place]) }
        guard kept.values.contains(where: { !$0.isEmpty }) else { return adapter }
        var adapter = adapter
        var pattern: [ParameterValue.Member] = []
        for place in places {
            let entry = adapter.entries[place]
            let name = entry.modulePath + ".lora_E"
            let ranks = kept[place] ?? []
            let before = known[name].flatMap { $0.count == entry[.e]?.shape.dimensions.first ? $0 : nil }
            let flags = Set(ranks.map { before?[$0] ?? $0 })
            pattern.append(.init(name, .list((0..<initialRank).map { .bool(flags.contains($0)) })))
            adapter.entries[place] = try shortened(entry, to: ranks)
        }
        if kept.values.contains(where: { $0.count < initialRank }) {
            adapter.parameters["rank_pattern"] = .map(pattern)
        }
        return adapter
    }

    private func kept(_ entry: AdapterEntry) throws(Failure) -> [Int] {
        guard let e = entry[.e], let rank = e.shape.dimensions.first else { return [] }
        let values = try Matrix<Float>(e, rows: 1, columns: rank, name: entry.key.target)
        return (0..<rank).filter { values[0, $0] != 0 }
    }

    private func shortened(_ entry: AdapterEntry, to ranks: [Int]) throws(Failure) -> AdapterEntry {
        guard let a = entry[.a], let b = entry[.b], let e = entry[.e] else { return entry }
        let (rank, inputs, outputs) = (a.shape.dimensions[0], a.shape.dimensions[1], b.shape.dimensions[0])
        var entry = entry
        guard !ranks.isEmpty else {
            entry.tensors = []
            entry.parameters.setEmptyTensors([
                EmptyTensor(role: .a, dtype: .f32, shape: [0, inputs]),
                EmptyTensor(role: .b, dtype: .f32, shape: [outputs, 0]),
                EmptyTensor(role: .e, dtype: .f32, shape: [0, 1]),
            ])
            return entry
        }
        func rows(_ source: any TensorSource, _ columns: Int) throws(Failure) -> TensorBuffer {
            let all = try Matrix<Float>(source, rows: rank, columns: columns, name: entry.key.target)
            let some = Matrix<Float>(rows: ranks.count, columns: columns)
            for (row, k) in ranks.enumerated() { some.rows(row..<row + 1).copy(from: all.rows(k..<k + 1)) }
            return try TensorBuffer(some, shape: [ranks.count, columns])
        }
        let all = try Matrix<Float>(b, rows: outputs, columns: rank, name: entry.key.target)
        let some = Matrix<Float>(rows: outputs, columns: ranks.count)
        for (column, k) in ranks.enumerated() {
            some.columns(column..<column + 1).copy(from: all.columns(k..<k + 1))
        }
        entry.tensors = [
            RoleTensor(.a, try rows(a, inputs)), RoleTensor(.b, try TensorBuffer(some, shape: [outputs, ranks.count])),
            RoleTensor(.e, try rows(e, 1)),
        ]
        return entry
    }
}
