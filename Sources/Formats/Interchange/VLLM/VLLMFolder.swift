package import Adapters
package import Diagnostics
package import Files
package import Parallelism
import Tensors

/// A PEFT folder as vLLM reads it: plain LoRA with one scale for all modules.
///
/// vLLM takes `lora_alpha`/`r` of the config for every module and ignores patterns. Where an adapter's scales are not all
/// that, each is folded into its B, and the config says `lora_alpha` = `r` = the largest rank, with patterns that give
/// modules of a smaller rank the scale 1 too, so that PEFT reads the same. A scale that is a power of two folds
/// exactly; others cost one rounding an element.
package enum VLLMFolder {
    /// Writes the adapter; the caller commits the folder.
    ///
    /// - Parameter ignoringOriginal: Whether a stored config that contradicts the parameters does no harm.
    /// - Returns: What folding cost, and what vLLM leaves out.
    ///
    /// Throws ``Failure/Code/notExportable`` for anything but plain LoRA, ``Failure/Code/configConflict`` as
    /// ``PEFTFolder/checkConflict(_:)`` does, and what reading and writing throw.
    @discardableResult
    package static func write(
        _ adapter: Adapter, to folder: OutputFolder, lanes: Lanes, observing: BlockObserving? = nil,
        ignoringOriginal: Bool = false
    ) throws(Failure) -> [Finding] {
        try check(adapter)
        if !ignoringOriginal { try PEFTFolder.checkConflict(adapter) }
        let loss = FoldLoss()
        let plain = try folded(adapter, loss: loss)
        var findings = try PEFTFolder.write(
            plain.adapter, to: folder, lanes: lanes, observing: observing, ignoringOriginal: true)
        if plain.count > 0 {
            let error = loss.value == 0 ? "exactly" : "with a relative error of at most \(loss.value)"
            findings.append(
                Finding("scale-folded", "the scales of \(plain.count) modules were folded into B, \(error)"))
        }
        return findings
    }

    // MARK: What vLLM has no place for

    private static let refused: [(key: String, name: String)] = [
        ("use_dora", "DoRA"), ("lora_bias", "lora_bias"), ("target_parameters", "target_parameters"),
        ("trainable_token_indices", "trainable tokens"), ("layer_replication", "layer_replication"),
        ("kasa_config", "KaSA"), ("use_bdlora", "block-diagonal factors"), ("use_qalora", "QALoRA"),
        ("alora_invocation_tokens", "activated LoRA"), ("arrow_config", "Arrow"),
    ]

    private static func check(_ adapter: Adapter) throws(Failure) {
        guard adapter.method == Method.lora.word else {
            throw refusal("the method \(Method.named(adapter.method)?.name ?? adapter.method)", nil)
        }
        for (key, name) in refused {
            guard let value = adapter.parameters[key], value != .null, value != .bool(false) else { continue }
            throw refusal(name, key)
        }
        for entry in adapter.entries where entry.key.kind != .file && entry.key.kind != .lora {
            // What only training looks at is no loss.
            if entry.key.kind == .opaque { continue }
            throw refusal(entry.key.kind == .bias ? "biases" : "whole modules (modules_to_save)", entry.key.target)
        }
        for entry in adapter.entries where entry.key.kind == .lora {
            if let form = entry.parameters["form"]?.string {
                throw refusal("factors of form \(form)", entry.key.target)
            }
        }
    }

    private static func refusal(_ what: String, _ object: String?) -> Failure {
        Failure(
            .notExportable, "vLLM has no place for \(what)", object: object,
            hint: "merge the adapter into its base, or use --format peft")
    }

    // MARK: Folding

    private static func folded(
        _ adapter: Adapter, loss: FoldLoss
    ) throws(Failure) -> (adapter: Adapter, count: Int) {
        var plain = adapter
        plain.entries.removeAll { $0.key.kind == .opaque }
        for key in ["velora_config", "monteclora_config", "bias"] { plain.parameters[key] = nil }
        let isFolded = ["use_rslora", "alpha_pattern", "rank_pattern"].contains { adapter.parameters[$0] != nil }
        guard isFolded else { return (plain, 0) }
        for key in ["use_rslora", "alpha_pattern", "rank_pattern"] { plain.parameters[key] = nil }
        var ranks: [(path: String, rank: Int)] = []
        var count = 0
        for index in plain.entries.indices where plain.entries[index].key.kind == .lora {
            let entry = plain.entries[index]
            let scale = try adapter.loraScale(of: entry)
            ranks.append((entry.modulePath, entry[.a]?.shape.dimensions.first ?? 0))
            if scale == 1 { continue }
            var tensors: [RoleTensor] = []
            for tensor in entry.tensors {
                tensors.append(
                    tensor.role == .b
                        ? RoleTensor(.b, try FoldedFactor(tensor.source, scale: scale, loss: loss)) : tensor)
            }
            plain.entries[index] = AdapterEntry(key: entry.key, parameters: entry.parameters, tensors: tensors)
            count += 1
        }
        let rank = ranks.reduce(0) { max($0, $1.rank) }
        let others = ranks.filter { $0.rank != rank }
        if !others.isEmpty {
            let pattern = ParameterValue.map(others.map { .init($0.path, .int(Int64($0.rank))) })
            plain.parameters["rank_pattern"] = pattern
            plain.parameters["alpha_pattern"] = pattern
        }
        // 8 is what the config means by leaving both out.
        plain.parameters["r"] = rank == 8 ? nil : .int(Int64(rank))
        plain.parameters["lora_alpha"] = plain.parameters["r"]
        return (plain, count)
    }
}
