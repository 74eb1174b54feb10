package import Adapters
package import Diagnostics
package import Kernels
package import Layers
import LinearAlgebra

/// Keys and values in front of every row's own, in every attention: ``Method/prefixTuning``. There is no start that leaves
/// the base's logits as they are: any key takes its share of the softmax.
package struct PrefixTuning: TrainableMethod {
    package let word = "prefix-tuning"
    package let method = Method.prefixTuning
    package let learningRate = 1e-2
    package let standard: Parameters = ["num_virtual_tokens": 20]
    package let kinds: [Kind] = [.prefix]

    package init() {}

    /// A new prefix is normal, or zero with `init_weights` "zero", or what an MLP with `prefix_projection` makes of normal
    /// vectors. Of the latter only what it makes is kept, so what goes on from an adapter goes on from the prefix itself.
    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(
            TrainingKeys.virtualTokens.union(["prefix_projection", "encoder_hidden_size", "init_weights"]))
        try sites.checkVirtualTokens(word)
        let count = try plan.rowCount("num_virtual_tokens")
        guard let shape = sites.attentions.first?.shape else {
            throw Failure(.usage, "the base has no attention that could see a prefix")
        }
        let width = shape.keyHeads * shape.headSize
        let columns = 2 * sites.attentions.count * width
        var parameters = plan.parameters
        parameters["token_dim"] = .int(Int64(width))
        parameters["num_attention_heads"] = .int(Int64(shape.keyHeads))
        parameters["num_layers"] = .int(Int64(sites.attentions.count))
        parameters["num_transformer_submodules"] = 1
        let key = EntryKey("", .prefix)
        var inserted = Inserted<R>(tensors: [], parameters: parameters)
        let prefix: Parameter<R>
        if plan.entries == nil, parameters["prefix_projection"]?.bool == true {
            let hidden = parameters["encoder_hidden_size"]?.int ?? width
            guard hidden >= 1, hidden <= 1 << 16 else {
                throw Failure(
                    .badParameter, "the encoder of a prefix cannot be so wide", object: "encoder_hidden_size",
                    expected: "1 to \(1 << 16)", actual: "\(hidden)")
            }
            inserted.parameters["encoder_hidden_size"] = .int(Int64(hidden))
            let encoder = PrefixEncoder<R>(
                rows: count, width: width, hidden: hidden, columns: columns, seed: plan.seed,
                startsAtZero: try startsAtZero(plan))
            sites.sources.add(encoder)
            prefix = encoder.prefix
            inserted.tensors = encoder.parameters.map { TrainedTensor(key, .value, $0) }
            inserted.stored = { values in [StoredTensor(key, .value, encoder.prefix(of: values, engine))] }
        } else {
            prefix = Parameter(name: "prompt_embeddings", try value(plan, rows: count, columns: columns))
            inserted.tensors = [TrainedTensor(key, .value, prefix)]
        }
        for (layer, attention) in sites.attentions.enumerated() {
            func part(_ place: Int) -> Parameter<R> {
                let range = place * width..<(place + 1) * width
                return Parameter(
                    name: prefix.name, prefix.value.columns(range), gradient: prefix.gradient.columns(range))
            }
            attention.insert(prefix: KeysAndValues(keys: part(2 * layer), values: part(2 * layer + 1)))
        }
        return inserted
    }

    private func value<R: Real>(_ plan: InsertionPlan, rows: Int, columns: Int) throws(Failure) -> Matrix<R> {
        if let entries = plan.entries {
            guard let source = entries.first(where: { $0.key.kind == .prefix })?[.value] else {
                throw Failure(.kindShape, "there is no prefix in the adapter")
            }
            return try Matrix(source, rows: rows, columns: columns, name: "prompt_embeddings")
        }
        guard try !startsAtZero(plan) else { return Matrix(rows: rows, columns: columns) }
        return .normal(rows: rows, columns: columns, CounterRandom(seed: plan.seed, name: "prompt_embeddings"))
    }

    private func startsAtZero(_ plan: InsertionPlan) throws(Failure) -> Bool {
        switch plan.parameters["init_weights"] {
        case nil, .null?, true?: return false
        case "zero"?: return true
        case let other?:
            throw Failure(
                .badParameter, "training does not know this start of a prefix", object: "init_weights",
                expected: "null or zero", actual: other.summary)
        }
    }
}
