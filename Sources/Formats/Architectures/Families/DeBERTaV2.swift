import Diagnostics
import JSON

extension ArchitectureFamily {
    /// DeBERTa's second and third versions: blocks of BERT whose attention also compares contents with relative positions.
    static let debertaV2 = ArchitectureFamily(
        modelTypes: ["deberta-v2"], heads: [.none, .sequenceClassification, .tokenClassification]
    ) { reader, _, head throws(Failure) in
        let path = head == .none ? "" : "deberta."
        let width = try reader.size("hidden_size", limit: 1 << 20)
        let layers = try reader.size("num_hidden_layers", limit: 1 << 12)
        let heads = try reader.size("num_attention_heads", limit: 1 << 20)
        let headSize = try reader.headSize("attention_head_size", of: width, heads: heads)
        let inner = try reader.size("intermediate_size", limit: 1 << 22)
        let vocabulary = try reader.size("vocab_size")
        let stack = BlockStack(
            layers: layers, heads: heads, keyHeads: heads, headSize: headSize, innerSize: inner, isGated: false)
        let every = ["query_proj", "key_proj", "value_proj", "dense"]
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary, stacks: [stack],
            defaults: DefaultTargets(
                ["query_proj", "value_proj"], ia3: ["key_proj", "value_proj", "output.dense"],
                feedForward: ["output.dense"], norms: ["LayerNorm"], attention: "self",
                others: ["adalora": every, "vblora": every]))
        let positions = try reader.size("max_position_embeddings", standard: 512)
        // Relative positions alone have no end: what is farther away counts as the farthest.
        if reader.flag("position_biased_input", standard: true) { layout.maximumLength = positions }
        try layout.list.embeddings(path + "embeddings.", reader, vocabulary, positions: positions, width: width)
        let projections = positionProjections(reader)
        for layer in 0..<layers {
            layout.list.encoderBlock(
                path + "encoder.layer.\(layer).", projections: ["query_proj", "key_proj", "value_proj"] + projections,
                width: width, all: stack.queryWidth, inner: inner)
        }
        try layout.list.relativePositions(path + "encoder.", reader, positions: positions, width: width)
        if head == .sequenceClassification {
            let pooler = try reader.size("pooler_hidden_size", standard: width, limit: 1 << 20)
            layout.list.linear("pooler.dense", outputs: pooler, inputs: pooler, bias: true, .pooler)
            layout.list.linear("classifier", outputs: try reader.labels(), inputs: pooler, bias: true, .head)
        }
        if head == .tokenClassification {
            layout.list.linear("classifier", outputs: try reader.labels(), inputs: width, bias: true, .head)
        }
        return layout
    }

    /// The layers that make keys and queries of positions, where those of contents are not shared.
    private static func positionProjections(_ reader: ConfigReader) -> [String] {
        guard reader.flag("relative_attention", standard: false), !reader.flag("share_att_key", standard: false) else {
            return []
        }
        let kinds =
            reader["pos_att_type"]?.array?.compactMap(\.string)
            ?? reader["pos_att_type"]?.string?.split(separator: "|").map { $0.filter { $0 != " " } } ?? []
        return (kinds.contains("c2p") ? ["pos_key_proj"] : []) + (kinds.contains("p2c") ? ["pos_query_proj"] : [])
    }
}

extension ModuleList {
    fileprivate mutating func embeddings(
        _ path: String, _ reader: ConfigReader, _ vocabulary: Int, positions: Int, width: Int
    ) throws(Failure) {
        let own = try reader.size("embedding_size", standard: width, limit: 1 << 20)
        embedding(path + "word_embeddings", rows: vocabulary, width: own)
        if reader.flag("position_biased_input", standard: true) {
            embedding(path + "position_embeddings", rows: positions, width: own)
        }
        let types = try reader.count("type_vocab_size")
        if types > 0 { embedding(path + "token_type_embeddings", rows: types, width: own) }
        if own != width { linear(path + "embed_proj", outputs: width, inputs: own, bias: false, .embedding) }
        norm(path + "LayerNorm", width: width, bias: true)
    }

    /// The table of relative positions, its norm, and the convolution beside the first block.
    fileprivate mutating func relativePositions(
        _ path: String, _ reader: ConfigReader, positions: Int, width: Int
    ) throws(Failure) {
        if reader.flag("relative_attention", standard: false) {
            let buckets = try reader.count("position_buckets")
            let distance = try reader.count("max_relative_positions")
            let rows = 2 * (buckets > 0 ? buckets : distance > 0 ? distance : positions)
            embedding(path + "rel_embeddings", rows: rows, width: width)
        }
        let norms = (reader["norm_rel_ebd"]?.string ?? "none").split(separator: "|").map { $0.filter { $0 != " " } }
        if norms.contains("layer_norm") { norm(path + "LayerNorm", width: width, bias: true) }
        let kernel = try reader.count("conv_kernel_size", limit: 1 << 10)
        guard kernel > 0 else { return }
        let groups = try reader.size("conv_groups", standard: 1, limit: width)
        guard width % groups == 0 else {
            throw Failure(.configInvalid, "the groups cannot share the width", object: "conv_groups")
        }
        let weight: [Formula] = [
            .quantity("d", width), .quantity("d/groups", width / groups), .quantity("kernel", kernel),
        ]
        other(
            path + "conv.conv", [TensorShape("weight", weight), TensorShape("bias", [.quantity("d", width)])],
            .attention)
        norm(path + "conv.LayerNorm", width: width, bias: true)
    }
}
