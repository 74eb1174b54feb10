package import Adapters
package import Diagnostics
package import Kernels
package import Layers

/// Every tensor of the base: what the other methods are measured by.
package struct FullTuning: TrainableMethod {
    package let word = "full"
    package let method = Method.delta
    package let learningRate = 1e-5
    package let standard: Parameters = [:]
    package let kinds: [Kind] = [.full]

    package init() {}

    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(TrainingKeys.delta)
        return try .base(sites.parameters, kind: .full, plan)
    }
}

extension Inserted {
    /// Tensors of the base that are trained themselves, going on from an adapter that holds them.
    static func base(
        _ parameters: [BaseParameter<R>], kind: Kind, _ plan: InsertionPlan
    ) throws(Failure) -> Inserted {
        var inserted = Inserted(tensors: [], parameters: plan.parameters)
        for parameter in parameters {
            let trained = parameter.makeTrainable()
            if let value = plan.entries?.first(where: { $0.key == EntryKey(parameter.name, kind) })?[.value] {
                trained.value.copy(
                    from: try Matrix(
                        value, rows: trained.value.rows, columns: trained.value.columns, name: parameter.name))
            }
            inserted.tensors.append(TrainedTensor(base: parameter, kind: kind))
        }
        return inserted
    }
}
