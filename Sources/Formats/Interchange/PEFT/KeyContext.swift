import Adapters

/// What of a config decides how keys are read.
struct KeyContext: Sendable {
    private let saved: [String]
    private let hasEveryBias: Bool
    private let parameters: [(module: String, name: String)]
    /// Whether some factors are block-diagonal.
    let hasBlocks: Bool

    init(_ parameters: Parameters) {
        saved = parameters["modules_to_save"]?.strings ?? []
        hasEveryBias = parameters["bias"]?.string == "all"
        hasBlocks = parameters["use_bdlora"]?.map != nil
        self.parameters = (parameters["target_parameters"]?.strings ?? []).map { path in
            guard let dot = path.lastIndex(of: ".") else { return ("", path) }
            return (String(path[..<dot]), String(path[path.index(after: dot)...]))
        }
    }

    /// Names of the modules that hold embeddings, which PEFT saves whole where the vocabulary was resized.
    private static let embeddings: Set<String> = [
        "embed_tokens", "lm_head", "wte", "word_embeddings", "shared", "embed_in", "embed_out", "tok_embeddings",
        "output_layer", "decoder",
    ]

    func holds(_ condition: KeyRule.Condition, path: String) -> Bool {
        switch condition {
        case .always: true
        case .everyBias: hasEveryBias
        case .saved: isSaved(path)
        }
    }

    /// PEFT saves every module whose path ends with one of the names, with all that is in it.
    private func isSaved(_ path: String) -> Bool {
        let parts = path.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 2, !parts.contains("modules_to_save"), !parts.contains("base_layer") else { return false }
        if parts.last == "weight" || parts.last == "bias", Self.embeddings.contains(String(parts[parts.count - 2])) {
            return true
        }
        guard !saved.isEmpty else { return false }
        var module = ""
        for part in parts.dropLast() {
            module += module.isEmpty ? part : "." + part
            if saved.contains(where: { module.hasSuffix($0) }) { return true }
        }
        return false
    }

    /// The names of the parameters of a module that `target_parameters` asks for.
    func parameterNames(of module: String) -> [String] {
        parameters.filter { module == $0.module || module.hasSuffix("." + $0.module) || $0.module.isEmpty }.map(\.name)
    }
}
