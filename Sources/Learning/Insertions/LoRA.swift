package import Adapters
package import Diagnostics
package import Kernels
package import Layers
import LinearAlgebra
import Tensors

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
        try checkHonored(plan.parameters)
        var inserted = Inserted<R>(tensors: [], parameters: plan.parameters)
        let known = try plan.entries.map { entries throws(Failure) in try EntryTable(entries, sites, kind: .lora) }
        let targets = try TargetModules(plan.parameters)
        if known == nil { try targets.check(sites) }
        let dropout = plan.parameters["lora_dropout"]?.double ?? 0
        guard dropout >= 0, dropout < 1 else {
            throw Failure(
                .badParameter, "so large a share cannot be left out", object: "lora_dropout",
                expected: "0 to less than 1", actual: "\(dropout)")
        }
        for projection in sites.projections {
            var parts: [LoRAFactors<R>] = []
            for (place, linear) in projection.linears.enumerated() {
                if let known {
                    guard let entry = known[linear] else { continue }
                    parts.append(try LoRAFactors(entry, of: linear, at: place, plan.parameters))
                } else if targets.contains(linear.path) {
                    parts.append(try LoRAFactors(new: linear, at: place, plan, engine))
                }
            }
            guard !parts.isEmpty else { continue }
            let insertion = LoRAInsertion(projection, parts, dropout: dropout, engine)
            projection.insert(insertion)
            inserted.insertions.append(insertion)
            inserted.tensors += insertion.tensors
        }
        try insertBiases(plan, into: sites, &inserted)
        // Other tools want names, and only PEFT knows what all linear layers are.
        if plan.parameters["target_modules"]?.string == "all-linear" {
            let names = Set(sites.linears.map { $0.path.split(separator: ".").last.map(String.init) ?? $0.path })
            inserted.parameters["target_modules"] = .list(names.sorted().map { .string($0) })
        }
        return inserted
    }

    /// The keys that training computes with; any other that changes the function would be ignored.
    private func checkHonored(_ parameters: Parameters) throws(Failure) {
        let honored: Set<String> = [
            "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern",
            "target_modules",
            "exclude_modules", "layers_to_transform", "task_type", "bias", "init_lora_weights",
        ]
        let neutral: [ParameterValue] = [.null, .bool(false), .list([]), .map([])]
        if let other = parameters.members.first(where: { !honored.contains($0.key) && !neutral.contains($0.value) }) {
            throw Failure(
                .badParameter, "training does not know this key of the config", object: other.key,
                actual: other.value.summary)
        }
        let words: [(key: String, values: [ParameterValue])] = [
            ("bias", ["none", "lora_only", "all"]), ("init_lora_weights", [true, "gaussian"]),
        ]
        for (key, values) in words {
            guard let value = parameters[key], !values.contains(value) else { continue }
            throw Failure(
                .badParameter, "training does not know this value of the config", object: key, actual: value.summary)
        }
    }

    /// With `bias` the base's own biases are trained too: of the adapted layers, or all of them.
    private func insertBiases<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ inserted: inout Inserted<R>
    ) throws(Failure) {
        let adapted = Set(inserted.tensors.map { $0.key.target })
        for linear in sites.linears {
            guard let bias = linear.bias else { continue }
            switch plan.parameters["bias"]?.string ?? "none" {
            case "none": continue
            case "all": break
            default: guard adapted.contains(linear.weight.name) else { continue }
            }
            let parameter = bias.makeTrainable()
            if let value = plan.entries?.first(where: { $0.key.target == bias.name && $0.key.kind == .bias })?[.value] {
                parameter.value.copy(
                    from: try Matrix(value, rows: 1, columns: parameter.value.columns, name: bias.name))
            }
            inserted.tensors.append(TrainedTensor(base: parameter, kind: .bias))
        }
    }
}

/// The factors of one linear: A [r, in], B [out, r], and DoRA's magnitude [out].
struct LoRAFactors<R: Real> {
    let linear: Linear<R>
    /// Which linear of its projection.
    let place: Int
    let a: Matrix<R>
    let b: Matrix<R>
    let magnitude: Matrix<R>?
    let scale: R

    /// New ones: B is zero, and A as `init_lora_weights` says.
    init(new linear: Linear<R>, at place: Int, _ plan: InsertionPlan, _ engine: Engine<R>) throws(Failure) {
        let parameters = plan.parameters
        let rank = try parameters["rank_pattern"]?.value(forModule: linear.path) ?? parameters["r"] ?? 8
        guard let rank = rank.int, rank >= 1, rank <= min(linear.inputs, linear.outputs) else {
            throw Failure(
                .badParameter, "the rank does not fit the layer", object: linear.path,
                expected: "1 to \(min(linear.inputs, linear.outputs))", actual: rank.summary)
        }
        let random = CounterRandom(seed: plan.seed, name: linear.path)
        let isGaussian = parameters["init_lora_weights"]?.string == "gaussian"
        let bound = 1 / Double(linear.inputs).squareRoot()
        a = Matrix(
            rows: rank, columns: linear.inputs,
            (0..<rank * linear.inputs).map { place in
                R(isGaussian ? random.normal(place) / Double(rank) : Double(random[place]) * bound)
            })
        b = Matrix(rows: linear.outputs, columns: rank)
        magnitude = parameters["use_dora"]?.bool == true ? RowNorms.norms(of: linear.weight.weight, engine) : nil
        scale = R(try LoRAFactors.scale(parameters, linear, a: a))
        self.linear = linear
        self.place = place
    }

    init(_ entry: AdapterEntry, of linear: Linear<R>, at place: Int, _ parameters: Parameters) throws(Failure) {
        guard let a = entry[.a], let b = entry[.b], let rank = a.shape.dimensions.first, entry[.lambda] == nil,
            entry[.bias] == nil, entry.parameters["form"] == nil
        else {
            throw Failure(.kindShape, "this form of LoRA cannot be trained", object: entry.key.target)
        }
        self.a = try Matrix(a, rows: rank, columns: linear.inputs, name: entry.key.target)
        self.b = try Matrix(b, rows: linear.outputs, columns: rank, name: entry.key.target)
        magnitude = try entry[.magnitude].map { source throws(Failure) in
            try Matrix(source, rows: 1, columns: linear.outputs, name: entry.key.target)
        }
        scale = R(try LoRAFactors.scale(parameters, linear, a: self.a))
        self.linear = linear
        self.place = place
    }

    private static func scale(_ parameters: Parameters, _ linear: Linear<R>, a: Matrix<R>) throws(Failure) -> Double {
        let entry = AdapterEntry(
            key: EntryKey(linear.path + ".weight", .lora),
            tensors: [RoleTensor(.a, try TensorBuffer(a, shape: [a.rows, a.columns]))])
        return try Adapter(method: Method.lora.word, parameters: parameters).loraScale(of: entry)
    }
}
