import Architectures
import Diagnostics
import Tensors

extension Method {
    /// Low-rank adaptation with the variants that are options of one config.
    ///
    /// ΔW = s·B·A with A [r, in], B [out, r], s = α/r, or α/√r with `use_rslora` (Kalajdzievski 2023); r and α are those of
    /// `rank_pattern` and `alpha_pattern` where the module's path matches. With `use_dora` (Liu et al. 2024) the sum is
    /// scaled by row: W' = m ⊙ (W + ΔW)/‖W + ΔW‖, the norm over each output's weights. With `kasa_config` (Wang et al.
    /// 2024) ΔW = s·B·diag(λ)·A over a truncated base.
    package static let lora = Method(
        word: "lora", name: "LoRA",
        kinds: [.lora, .rows, .bias, .full, .opaque],
        config: ConfigKey.loraKeys + [
            ConfigKey("rank_pattern", .map([]))
        ],
        mergeability: .lowRank,
        formula: "W' = W + s·B·A, s = alpha/r (rslora: alpha/√r; DoRA: rows rescaled to the magnitude)",
        source: "Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2021",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            try input.refuse([
                "target_parameters", "layer_replication", "use_bdlora", "use_qalora", "monteclora_config",
                "velora_config",
            ])
            let groups = try input.groups(rankKey: "r", withEmbeddings: true)
            let added = groups.map { group in
                var tensors = [TensorShape("A", [group.r, group.in]), TensorShape("B", [group.out, group.r])]
                if input.flag("use_dora") { tensors.append(TensorShape("magnitude", [group.out])) }
                if input.flag("lora_bias") { tensors.append(TensorShape("bias", [group.out])) }
                let hasValues = input.parameters["kasa_config"].map { $0 != .null } ?? false
                if hasValues { tensors.append(TensorShape("lambda", [group.r])) }
                return group.tensors(tensors)
            }
            return try input.size(groups, added: added + input.trainableTokens())
        },
        check: checkRows)

    /// Rows of an embedding that replace the base's have their places in the config: as many as there are rows.
    @Sendable static func checkRows(_ adapter: Adapter) throws(Failure) -> [Finding] {
        for entry in adapter.entries where entry.key.kind == .rows {
            guard let rows = entry[.value]?.shape.dimensions.first else { continue }
            guard let places = adapter.rowIndices(of: entry.key) else {
                throw Failure(
                    .badParameter, "trainable_token_indices does not say which rows these are", object: entry.key.target
                )
            }
            guard places.count == rows else {
                throw Failure(
                    .kindShape, "there are other numbers of rows and of trainable_token_indices",
                    object: entry.key.target, expected: "\(places.count)", actual: "\(rows)")
            }
            guard places.allSatisfy({ $0 >= 0 }) else {
                throw Failure(.badParameter, "trainable_token_indices has a negative row", object: entry.key.target)
            }
        }
        return []
    }
}

extension Adapter {
    /// The rows of the base that an entry of kind `rows` replaces, in the entry's order: `trainable_token_indices` is a
    /// list, or a map from module names to lists.
    package func rowIndices(of key: EntryKey) -> [Int]? {
        let value = parameters["trainable_token_indices"]
        let module = AdapterEntry(key: key, tensors: []).modulePath
        let list =
            value?.list
            ?? value?.map?.first { module == $0.key || module.hasSuffix("." + $0.key) }?.value.list
        guard let list else { return nil }
        let indices = list.compactMap(\.int)
        return indices.count == list.count ? indices : nil
    }
}

extension ConfigKey {
    /// What LoRA and AdaLoRA have in common.
    static let loraKeys: [ConfigKey] =
        [
            ConfigKey("r", 8, .count),
            ConfigKey("lora_alpha", 8, .number),
            ConfigKey("use_rslora", false),
            ConfigKey("use_dora", false),
            fanInFanOut,
            bias,
            ConfigKey("lora_bias", false),
            ConfigKey("alpha_pattern", .map([])),
        ] + targets + [
            ConfigKey("target_parameters"),
            ConfigKey("trainable_token_indices"),
            ConfigKey("layer_replication"),
            ConfigKey("ensure_weight_tying", false),
            dropout("lora_dropout"),
            ConfigKey(
                "init_lora_weights", true,
                effect: .except(
                    [true, false, .null, "gaussian", "eva", "orthogonal", "mica"],
                    why: "these start the factors and leave the base as it is; all others also change the base")),
            ConfigKey("eva_config", noEffect: "starts the factors; the ranks it found are in rank_pattern"),
            ConfigKey("loftq_config", .map([])),
            ConfigKey("corda_config"),
            ConfigKey("lora_ga_config"),
            ConfigKey("kasa_config"),
            ConfigKey("use_bdlora"),
            ConfigKey("use_qalora", false),
            ConfigKey(
                "qalora_group_size", 16, .count,
                effect: .whereSet("use_qalora", why: "the size of groups matters only where there are any")),
            ConfigKey("alora_invocation_tokens"),
            ConfigKey("arrow_config"),
            ConfigKey("monteclora_config"),
            ConfigKey("velora_config"),
            ConfigKey("megatron_config"),
            ConfigKey("megatron_core", "megatron.core", noEffect: "the name of a Python module to import"),
            ConfigKey(
                "peft_version",
                effect: .whereSet(
                    "target_parameters", why: "how factors of a fused parameter lie changed in version 0.19")),
        ]
}

extension SizingInput {
    /// Rows of embeddings that are trained: `trainable_token_indices`, of the input's embedding or of those that it names.
    func trainableTokens() throws(Failure) -> [TensorGroup] {
        guard let value = parameters["trainable_token_indices"], value != .null else { return [] }
        let embeddings = architecture.embeddings
        var lists: [(name: String, rows: Int)] = []
        if let list = value.list, let first = embeddings.first { lists = [(first.path, list.count)] }
        for member in value.map ?? [] { lists.append((member.key, member.value.list?.count ?? 0)) }
        var groups: [TensorGroup] = []
        for (name, rows) in lists {
            let sites = embeddings + architecture.linears
            guard let site = sites.first(where: { $0.path == name || $0.path.hasSuffix("." + name) }) else {
                throw Failure(.usage, "the model has no such embedding", object: name)
            }
            let width = site.isEmbedding ? site.outputs : site.inputs
            groups.append(
                TensorGroup(name, [TensorShape("rows", [.quantity("rows", rows), .quantity("d", width)])]))
        }
        return groups
    }
}
