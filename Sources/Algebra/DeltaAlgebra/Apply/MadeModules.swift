import Adapters
import Diagnostics
import Tensors

extension BaseTargets {
    /// The entries of an adapter that are tensors of modules which were made for its task, and which the base lacks or has for
    /// another number of answers: those that `modules_to_save` of its config names, kept whole. They are new in what comes of
    /// the base.
    func made(of adapter: Adapter) -> [AdapterEntry] {
        guard !adapter.isCheckpointDelta, let saved = adapter.parameters["modules_to_save"]?.strings else { return [] }
        return adapter.entries.filter { entry in
            entry.key.kind == .full && MadeModule.canBe(entry.key.target, saved)
                && (lacks(entry.key.target) || isReplaced(by: entry))
        }
    }

    /// Whether the base's tensor of that very name has other answers: its first dimension differs, and no other.
    func isReplaced(by entry: AdapterEntry) -> Bool {
        guard find(entry.key.target) == entry.key.target, let own = tensor(entry.key.target)?.shape.dimensions,
            let new = entry[.value]?.shape.dimensions
        else { return false }
        return own.count == new.count && own.first != new.first && own.dropFirst() == new.dropFirst()
    }
}

extension Adapter {
    /// The adapter without some of its entries.
    func without(_ entries: [AdapterEntry]) -> Adapter {
        guard !entries.isEmpty else { return self }
        let left = Set(entries.map(\.key))
        var rest = self
        rest.entries.removeAll { left.contains($0.key) }
        return rest
    }
}

private enum MadeModule {
    /// What a model has whatever its task: where the base lacks it under this name, it is tied, or another model.
    private static let vocabulary: Set<Substring> = [
        "lm_head", "embed_out", "output_layer", "embed_tokens", "embed_in", "tok_embeddings", "wte", "wpe", "shared",
        "word_embeddings", "position_embeddings", "token_type_embeddings", "decoder",
    ]

    /// Whether the tensor lies in a module that the names mean, outside of blocks and vocabularies.
    ///
    /// As in PEFT a module is meant by the end of its path, with all that is in it.
    static func canBe(_ target: String, _ saved: [String]) -> Bool {
        let modules = target.split(separator: ".").dropLast()
        guard modules.allSatisfy({ Int($0) == nil && !vocabulary.contains($0) }) else { return false }
        var path = ""
        return modules.contains { module in
            path += path.isEmpty ? module : "." + module
            return saved.contains { !$0.isEmpty && path.hasSuffix($0) }
        }
    }
}
