import Diagnostics
import JSON

extension ArchitectureFamily {
    /// BERT: an encoder with norms after each sum, and a pooler over its first token that classification uses.
    static let bert = ArchitectureFamily(
        modelTypes: ["bert"], heads: [.none, .maskedLM, .sequenceClassification, .tokenClassification]
    ) { reader, _, head throws(Failure) in
        let path = head == .none ? "" : "bert."
        var layout = try encoder(reader, path)
        let width = layout.hiddenSize
        if head == .none || head == .sequenceClassification {
            layout.list.linear(path + "pooler.dense", outputs: width, inputs: width, bias: true, .pooler)
        }
        switch head {
        case .maskedLM:
            let transform = "cls.predictions.transform."
            layout.list.linear(transform + "dense", outputs: width, inputs: width, bias: true, .head)
            layout.list.norm(transform + "LayerNorm", width: width, bias: true)
            layout.list.linear(
                "cls.predictions.decoder", outputs: layout.vocabularySize, inputs: width, bias: true, .head,
                isTied: reader.flag("tie_word_embeddings", standard: true))
        case .sequenceClassification, .tokenClassification:
            layout.list.linear("classifier", outputs: try reader.labels(), inputs: width, bias: true, .head)
        case .none, .lm: break
        }
        return layout
    }

    /// RoBERTa: as BERT, but that none of its tasks uses a pooler, so that none is counted.
    static let roberta = ArchitectureFamily(
        modelTypes: ["roberta"], heads: [.none, .maskedLM, .sequenceClassification, .tokenClassification]
    ) { reader, _, head throws(Failure) in
        let path = head == .none ? "" : "roberta."
        var layout = try encoder(reader, path)
        let width = layout.hiddenSize
        switch head {
        case .maskedLM:
            layout.list.linear("lm_head.dense", outputs: width, inputs: width, bias: true, .head)
            layout.list.norm("lm_head.layer_norm", width: width, bias: true)
            layout.list.linear(
                "lm_head.decoder", outputs: layout.vocabularySize, inputs: width, bias: true, .head,
                isTied: reader.flag("tie_word_embeddings", standard: true))
        case .sequenceClassification:
            layout.list.linear("classifier.dense", outputs: width, inputs: width, bias: true, .head)
            layout.list.linear("classifier.out_proj", outputs: try reader.labels(), inputs: width, bias: true, .head)
        case .tokenClassification:
            layout.list.linear("classifier", outputs: try reader.labels(), inputs: width, bias: true, .head)
        case .none, .lm: break
        }
        return layout
    }

    /// Embeddings and blocks, the same in both.
    private static func encoder(_ reader: ConfigReader, _ path: String) throws(Failure) -> ArchitectureLayout {
        let width = try reader.size("hidden_size", limit: 1 << 20)
        let layers = try reader.size("num_hidden_layers", limit: 1 << 12)
        let heads = try reader.size("num_attention_heads")
        let inner = try reader.size("intermediate_size", limit: 1 << 22)
        let vocabulary = try reader.size("vocab_size")
        if reader.flag("add_cross_attention", standard: false) {
            throw Failure(
                .unknownArchitecture, "a BERT that attends to an encoder is not known", object: "add_cross_attention")
        }
        let isRoBERTa = reader["model_type"]?.string == "roberta"
        let positions = try reader.size("max_position_embeddings", standard: 512)
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary,
            stacks: [try reader.stack(layers: layers, heads: heads, width: width, inner: inner)],
            defaults: DefaultTargets(
                ["query", "value"], ia3: ["key", "value", "output.dense"], feedForward: ["output.dense"],
                norms: ["LayerNorm"], attention: "self",
                others: isRoBERTa ? ["adalora": ["query", "key", "value", "dense"]] : [:]),
            // RoBERTa counts from 2 on.
            maximumLength: isRoBERTa ? max(1, positions - 2) : positions)
        let embeddings = path + "embeddings."
        layout.list.embedding(embeddings + "word_embeddings", rows: vocabulary, width: width)
        layout.list.embedding(embeddings + "position_embeddings", rows: positions, width: width)
        layout.list.embedding(
            embeddings + "token_type_embeddings", rows: try reader.size("type_vocab_size", standard: 2), width: width)
        layout.list.norm(embeddings + "LayerNorm", width: width, bias: true)
        for layer in 0..<layers {
            layout.list.encoderBlock(
                path + "encoder.layer.\(layer).", projections: ["query", "key", "value"], width: width, all: width,
                inner: inner)
        }
        return layout
    }
}

extension ModuleList {
    /// One block of BERT and of those that came of it: `all` is the width of all heads together.
    mutating func encoderBlock(_ block: String, projections: [String], width: Int, all: Int, inner: Int) {
        let attention = block + "attention."
        for name in projections {
            linear(attention + "self." + name, outputs: all, inputs: width, bias: true, .attention)
        }
        linear(attention + "output.dense", outputs: width, inputs: all, bias: true, .attention)
        norm(attention + "output.LayerNorm", width: width, bias: true)
        linear(block + "intermediate.dense", outputs: inner, inputs: width, bias: true, .mlp)
        linear(block + "output.dense", outputs: width, inputs: inner, bias: true, .mlp)
        norm(block + "output.LayerNorm", width: width, bias: true)
    }
}
