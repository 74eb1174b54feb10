package import Adapters
package import Diagnostics
package import Kernels
package import Layers

/// Low-rank adaptation, with rslora, patterns, biases and DoRA: ``Method/lora`` has the formulas.
package struct LoRA: TrainableMethod {
    package let word = "lora"
    package let method = Method.lora
    package let learningRate = 2e-4
    package let standard: Parameters = ["r": 8, "lora_alpha": 16, "target_modules": "all-linear"]
    package let kinds: [Kind] = [.lora, .bias]

    package init() {}

    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(
            [
                "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern",
                "target_modules", "exclude_modules", "layers_to_transform", "task_type", "bias", "init_lora_weights",
                "eva_config", "fan_in_fan_out",
            ],
            words: [
                "bias": ["none", "lora_only", "all"],
                "init_lora_weights": plan.entries == nil
                    ? [true, "gaussian", "eva", "pissa"] : [true, "gaussian", "eva"],
            ])
        var inserted = Inserted<R>(tensors: [], parameters: plan.parameters)
        let known = try plan.entries.map { entries throws(Failure) in try EntryTable(entries, sites, kind: .lora) }
        let targets = try TargetModules(plan.parameters)
        if known == nil { try targets.check(sites) }
        let dropout = try plan.parameters.dropout()
        let beginning = plan.entries == nil ? plan.parameters["init_lora_weights"]?.string : nil
        let eva = beginning == "eva" ? try EVAInitialization<R>(plan.parameters) : nil
        var residuals: [ResidualInsertion<R>] = []
        var adapted: [Linear<R>] = []
        for projection in sites.projections {
            var parts: [LoRAFactors<R>] = []
            for (place, linear) in projection.linears.enumerated() {
                if let known {
                    guard let entry = known[linear] else { continue }
                    parts.append(try LoRAFactors(entry, of: linear, at: place, plan.parameters))
                } else if targets.contains(linear.path) {
                    parts.append(try LoRAFactors.beginning(linear, at: place, plan, engine))
                }
            }
            guard !parts.isEmpty else { continue }
            adapted += parts.map(\.linear)
            if beginning == "pissa" {
                let residual = ResidualInsertion(parts, of: projection, engine)
                projection.insert(residual)
                residuals.append(residual)
            }
            let insertion = LoRAInsertion(projection, parts, dropout: dropout)
            inserted.insert(insertion, insertion.tensors, into: projection)
            if let magnitudes = DoRAInsertion(parts, insertion.factors, engine) {
                inserted.insert(magnitudes, magnitudes.tensors, into: projection)
            }
            eva?.add(projection, insertion.factors.map(\.a))
        }
        let wrapped = try insertBiases(plan, into: sites, &inserted)
        inserted.parameters = TargetModules.oriented(TargetModules.named(inserted.parameters, sites), adapted)
        inserted.initialization = eva
        inserted.finished = { [residuals] adapter throws(Failure) in
            var adapter = adapter
            for index in adapter.entries.indices where wrapped.contains(adapter.entries[index].key) {
                adapter.entries[index].parameters["form"] = "wrapped"
            }
            guard beginning == "pissa" else { return adapter }
            for residual in residuals { try residual.restore(&adapter.entries) }
            adapter.parameters = adapter.parameters.doublingRanks()
            return adapter
        }
        return inserted
    }

    /// With `bias` the base's own biases are trained too: of the adapted layers, or all of them. Gives the entries of the
    /// adapted ones, which PEFT finds within what it puts around a layer.
    private func insertBiases<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ inserted: inout Inserted<R>
    ) throws(Failure) -> Set<EntryKey> {
        let adapted = Set(inserted.tensors.map { $0.key.target })
        let wrapped = sites.linears.filter { adapted.contains($0.weight.name) }.compactMap(\.bias)
        let biases: [BaseParameter<R>] =
            switch plan.parameters["bias"]?.string ?? "none" {
            case "none": []
            case "all": sites.parameters.filter { $0.name.hasSuffix(".bias") }
            default: wrapped
            }
        for bias in biases {
            let parameter = bias.makeTrainable()
            if let value = plan.entries?.first(where: { $0.key.target == bias.name && $0.key.kind == .bias })?[.value] {
                parameter.value.copy(
                    from: try Matrix(value, rows: 1, columns: parameter.value.columns, name: bias.name))
            }
            inserted.tensors.append(TrainedTensor(base: bias, kind: .bias))
        }
        return Set(wrapped.map { EntryKey($0.name, .bias) })
    }
}
