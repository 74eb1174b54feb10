package import Adapters
package import Diagnostics
package import Kernels
package import Layers
import Tensors

/// Values at a few places of weights, which are drawn once and stay: ``Method/shira``.
package struct SHiRA: TrainableMethod {
    package let word = "shira"
    package let method = Method.shira
    package let learningRate = 5e-4
    package let standard: Parameters = ["r": 32, "target_modules": "all-linear"]
    package let kinds: [Kind] = [.sparse]

    package init() {}

    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(
            ["r", "mask_type", "random_seed", "target_modules", "task_type", "init_weights"],
            words: ["mask_type": ["random"], "init_weights": [true]])
        let known = try plan.entries.map { entries throws(Failure) in try EntryTable(entries, sites, kind: .sparse) }
        let targets = try TargetModules(plan.parameters)
        if known == nil { try targets.check(sites) }
        let share = plan.parameters["r"]?.int ?? 32
        var inserted = Inserted<R>(tensors: [], parameters: TargetModules.named(plan.parameters, sites))
        var indices: [EntryKey: TensorBuffer] = [:]
        for projection in sites.projections {
            for (place, linear) in projection.linears.enumerated() {
                let name = linear.weight.name
                let (rows, columns) = (linear.outputs, linear.inputs)
                let places: SparsePlaces
                var value: Matrix<R>
                if let known {
                    guard let entry = known[linear] else { continue }
                    guard let source = entry[.value], let stored = entry[.indices], entry.parameters["mode"] == nil
                    else { throw Failure(.kindShape, "this form of SHiRA cannot be trained", object: name) }
                    places = try SparsePlaces(stored, rows: rows, columns: columns, name: name)
                    value = try Matrix(source, rows: 1, columns: places.count, name: name)
                } else {
                    guard targets.contains(linear.path) else { continue }
                    try linear.checkNotTransposed(word)
                    let count = share.multipliedReportingOverflow(by: rows + columns)
                    guard share >= 1, !count.overflow, count.partialValue <= rows * columns else {
                        throw Failure(
                            .badParameter, "the weight has fewer numbers than are to be trained", object: linear.path,
                            expected: "r of 1 to \(rows * columns / (rows + columns))", actual: "\(share)")
                    }
                    places = SparsePlaces(
                        drawing: count.partialValue, rows: rows, columns: columns, seed: plan.seed, name: linear.path)
                    value = Matrix(rows: 1, columns: places.count)
                }
                let parameter = Parameter(name: linear.path + ".shira_weight", value)
                let key = EntryKey(name, .sparse)
                inserted.insert(
                    SparseInsertion(parameter, places, at: place, of: projection),
                    [TrainedTensor(key, .value, shape: [places.count], parameter)], into: projection)
                indices[key] = try places.buffer()
            }
        }
        inserted.finished = { [indices] adapter throws(Failure) in
            var adapter = adapter
            adapter.entries = adapter.entries.map { entry in
                guard let indices = indices[entry.key] else { return entry }
                return AdapterEntry(key: entry.key, tensors: entry.tensors + [RoleTensor(.indices, indices)])
            }
            return adapter
        }
        return inserted
    }
}
