package import Adapters
package import Diagnostics

extension TrainableMethod {
    /// As of factors of rank `r` at the target modules: close enough for methods that say nothing of their own.
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        try .lowRank(in: shapes, parameters)
    }
}

extension TrainingSize {
    /// Of factors at the target modules, with what they keep: r numbers a token, and with DoRA the product too.
    static func lowRank(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        let isDoRA = parameters["use_dora"]?.bool == true
        let bias = parameters["bias"]?.string ?? "none"
        var size = TrainingSize(parameterCount: bias == "all" ? shapes.biasCount : 0)
        for linear in try shapes.targets(of: parameters) {
            let own = try parameters["rank_pattern"]?.value(forModule: linear.path)?.int
            let rank = max(0, min(own ?? parameters["r"]?.int ?? 0, linear.inputs, linear.outputs))
            size.parameterCount += rank * (linear.inputs + linear.outputs) + (isDoRA ? linear.outputs : 0)
            if bias == "lora_only", linear.hasBias { size.parameterCount += linear.outputs }
            size.keptPerToken += rank + (isDoRA ? linear.outputs : 0)
        }
        return size
    }
}

extension LoRA {
    /// Beginnings hold more than they train: EVA the products of inputs, in fp64 and those of one pass in fp32; PiSSA the
    /// factors that it began with, and in the end those of twice the rank.
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        var size = try TrainingSize.lowRank(in: shapes, parameters)
        switch parameters["init_lora_weights"]?.string {
        case "eva":
            let targets = try TargetModules(parameters)
            let each = shapes.projections.filter { $0.contains { targets.contains($0.path) } }
                .map { 8 * Double($0[0].inputs) * Double($0[0].inputs) }
            let largest = each.max() ?? 0
            let held = max(largest, min(each.reduce(0, +), Double(EVAInitialization<Float>.roundBytes)))
            size.otherBytes = Int(min(held + largest / 2, 0x1p60))
        case "pissa": size.otherBytes = 12 * size.parameterCount
        default: break
        }
        return size
    }
}

extension AdaLoRA {
    /// With averages of what each number matters, and of how sure that is.
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        var size = TrainingSize(parameterCount: 0)
        for linear in try shapes.targets(of: parameters) {
            let rank = max(0, min(parameters["init_r"]?.int ?? 12, linear.inputs, linear.outputs))
            size.parameterCount += rank * (linear.inputs + linear.outputs + 1)
            size.keptPerToken += rank
        }
        size.otherBytes = 8 * size.parameterCount
        return size
    }
}

extension SHiRA {
    /// With the places, as they are used and as they are written, and the matrices of one projection laid out.
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        let targets = try TargetModules(parameters)
        var size = TrainingSize(parameterCount: 0)
        var largest = 0
        for projection in shapes.projections {
            let linears = projection.filter { targets.contains($0.path) }
            largest = max(largest, linears.reduce(0) { $0 + $1.inputs * $1.outputs })
            for linear in linears {
                let sum = linear.inputs + linear.outputs
                let share = max(0, min(parameters["r"]?.int ?? 32, linear.inputs * linear.outputs / sum))
                size.parameterCount += share * sum
            }
        }
        size.otherBytes = 12 * size.parameterCount + 4 * largest
        return size
    }
}

extension LNTuning {
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        let targets = parameters["target_modules"] == nil ? nil : try TargetModules(parameters)
        let norms = shapes.norms.filter { targets?.contains($0.path) ?? true }
        return TrainingSize(parameterCount: norms.reduce(0) { $0 + $1.parameterCount })
    }
}

extension IA3 {
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        var size = TrainingSize(parameterCount: 0)
        let inputs = try TargetModules(parameters, key: "feedforward_modules")
        for linear in try shapes.targets(of: parameters) {
            size.parameterCount += inputs.contains(linear.path) ? linear.inputs : linear.outputs
            size.keptPerToken += linear.outputs
        }
        return size
    }
}

extension PromptTuning {
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        let count = max(0, min(parameters["num_virtual_tokens"]?.int ?? 0, 1 << 16))
        var size = TrainingSize(parameterCount: count * shapes.width)
        size.virtualTokens = count
        return size
    }
}

extension BitFit {
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        TrainingSize(parameterCount: shapes.biasCount)
    }
}

extension FullTuning {
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        TrainingSize(parameterCount: shapes.parameterCount)
    }
}

extension PrefixTuning {
    /// Keys and values for every layer; with an encoder instead tokens as wide as one of them, and two layers that make
    /// all of them.
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        let count = max(0, min(parameters["num_virtual_tokens"]?.int ?? 0, 1 << 16))
        let parts = shapes.linears.filter { $0.path.hasSuffix(".k_proj") || $0.path.hasSuffix(".v_proj") }
        let made = parts.reduce(0) { $0 + $1.outputs }
        guard parameters["prefix_projection"]?.bool == true, let width = parts.first?.outputs else {
            return TrainingSize(parameterCount: count * made)
        }
        let hidden = max(0, min(parameters["encoder_hidden_size"]?.int ?? width, 1 << 24))
        return TrainingSize(parameterCount: count * width + (width + 1) * hidden + (hidden + 1) * made)
    }
}

extension AdaptionPrompt {
    package func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize {
        let attentions = shapes.linears.count { $0.path.hasSuffix(".k_proj") }
        let layers = max(0, min(parameters["adapter_layers"]?.int ?? attentions, attentions))
        let tokens = max(0, min(parameters["adapter_len"]?.int ?? 0, 1 << 16))
        var size = TrainingSize(parameterCount: layers * (tokens * shapes.width + 1))
        size.keptPerToken = layers * shapes.width
        return size
    }
}
