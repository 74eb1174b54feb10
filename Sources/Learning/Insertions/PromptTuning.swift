package import Adapters
package import Diagnostics
package import Kernels
package import Layers
import LinearAlgebra

/// Vectors of virtual tokens in front of every row: ``Method/promptTuning``.
package struct PromptTuning: TrainableMethod {
    package let word = "prompt-tuning"
    package let method = Method.promptTuning
    package let learningRate = 1e-2
    package let standard: Parameters = ["num_virtual_tokens": 20]
    package let kinds: [Kind] = [.prompt]

    package init() {}

    /// New vectors are those of tokens of the vocabulary, drawn at random (Lester et al. 2021, section 3.2).
    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(
            TrainingKeys.virtualTokens.union([
                "prompt_tuning_init", "prompt_tuning_init_text", "tokenizer_name_or_path", "tokenizer_kwargs",
            ]))
        try sites.checkVirtualTokens(word)
        let table = sites.embedding.table.weight
        let count = try plan.rowCount("num_virtual_tokens")
        var value = Matrix<R>(rows: count, columns: table.columns)
        if let entries = plan.entries {
            guard let source = entries.first(where: { $0.key.kind == .prompt })?[.value] else {
                throw Failure(.kindShape, "there is no prompt in the adapter")
            }
            value = try Matrix(source, rows: count, columns: table.columns, name: "prompt_embeddings")
        } else {
            let random = CounterRandom(seed: plan.seed, name: "prompt_embeddings")
            let tokens = (0..<count).map { Int32((Double(random[$0]) + 1) / 2 * Double(table.rows)) }
            engine.embed(tokens, table: table, into: value)
        }
        let prompt = Parameter(name: "prompt_embeddings", value)
        sites.embedding.insert(PromptInsertion(prompt))
        var parameters = plan.parameters
        parameters["token_dim"] = .int(Int64(table.columns))
        parameters["num_transformer_submodules"] = 1
        return Inserted(tensors: [TrainedTensor(EntryKey("", .prompt), .value, prompt)], parameters: parameters)
    }
}

final class PromptInsertion<R: Real>: EmbeddingInsertion, @unchecked Sendable {
    private let prompt: Parameter<R>

    init(_ prompt: Parameter<R>) {
        self.prompt = prompt
    }

    var parameters: [Parameter<R>] { [prompt] }
    var virtualTokens: Int { prompt.value.rows }

    func fill(_ x: Matrix<R>, _ pass: Pass<R>) {
        // A row that goes on from what a cache holds has its virtual tokens there.
        for segment in pass.batch.segments where pass.batch.tokens[segment.lowerBound] == Batch.virtualToken {
            x.rows(segment.prefix(virtualTokens)).copy(from: prompt.value)
        }
    }

    func fillBackward(_ gradient: Matrix<R>, _ pass: Pass<R>) {
        for segment in pass.batch.segments {
            pass.engine.add(gradient.rows(segment.prefix(virtualTokens)), into: prompt.gradient)
        }
    }
}
