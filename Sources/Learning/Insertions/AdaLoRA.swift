package import Adapters
package import Diagnostics
package import Kernels
package import Layers

/// Low-rank adaptation whose singular values are pruned while it trains: ``Method/adalora`` has the formula,
/// ``RankAllocation`` says which go.
package struct AdaLoRA: TrainableMethod {
    package let word = "adalora"
    package let method = Method.adalora
    package let learningRate = 1e-3
    package let standard: Parameters = [
        "init_r": 12, "target_r": 8, "lora_alpha": 8, "target_modules": "all-linear",
    ]
    package let kinds: [Kind] = [.adalora]

    package init() {}

    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        let parameters = plan.parameters
        // The ranks that an adapter came to are those of its tensors.
        try parameters.checkTrainable(
            [
                "init_r", "target_r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules",
                "layers_to_transform", "task_type", "tinit", "tfinal", "deltaT", "beta1", "beta2", "orth_reg_weight",
                "total_step", "init_lora_weights", "fan_in_fan_out", plan.entries == nil ? "init_r" : "rank_pattern",
            ], words: ["init_lora_weights": [true]])
        let initialRank = parameters["init_r"]?.int ?? 12
        let scale = (parameters["lora_alpha"]?.double ?? 8) / (Double(initialRank) + 1e-5)
        let dropout = try parameters.dropout()
        let known = try plan.entries.map { entries throws(Failure) in try EntryTable(entries, sites, kind: .adalora) }
        let targets = try TargetModules(parameters)
        if known == nil { try targets.check(sites) }
        var inserted = Inserted<R>(tensors: [], parameters: TargetModules.named(parameters, sites))
        inserted.parameters["rank_pattern"] = nil
        var triplets: [Triplets<R>] = []
        for projection in sites.projections {
            var parts: [Triplets<R>] = []
            for (place, linear) in projection.linears.enumerated() {
                if let known {
                    guard let entry = known[linear] else { continue }
                    if entry.parameters["empty"] != nil {
                        inserted.idle.append(entry)
                    } else {
                        parts.append(try Triplets(entry, of: linear, at: place))
                    }
                } else if targets.contains(linear.path) {
                    parts.append(try Triplets(new: linear, at: place, plan))
                }
            }
            guard !parts.isEmpty else { continue }
            let insertion = AdaLoRAInsertion(projection, parts, scale: R(scale), dropout: dropout)
            inserted.insert(insertion, parts.flatMap(\.tensors), into: projection)
            triplets += parts
        }
        inserted.parameters = TargetModules.oriented(
            inserted.parameters,
            sites.linears.filter { linear in inserted.tensors.contains { $0.key.target == linear.weight.name } })
        let ranks = triplets.map(\.rank) + inserted.idle.map { _ in 0 }
        let schedule = try RankSchedule(parameters, steps: plan.steps, ranks: ranks)
        inserted.moments = [try RankAllocation(triplets, schedule, parameters)]
        let pruning = TripletPruning(parameters)
        inserted.finished = { adapter throws(Failure) in try pruning.pruned(adapter) }
        return inserted
    }
}
