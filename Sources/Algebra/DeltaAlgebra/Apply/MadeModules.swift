import Adapters
import Checkpoints
import Diagnostics
import Tensors

extension BaseTargets {
    /// The entries of an adapter that are tensors of modules which were made for its task, and which the base lacks, or has for
    /// another number of answers: those that `modules_to_save` of its config names, kept whole. They are new in what comes of
    /// the base.
    func made(of adapter: Adapter) -> [AdapterEntry] {
        guard !adapter.isCheckpointDelta, let saved = adapter.parameters["modules_to_save"]?.strings else { return [] }
        let whole = adapter.entries.filter { $0.key.kind == .full && MadeModule.canBe($0.key.target, saved) }
        let heads = Dictionary(grouping: whole) { $0.key.target.droppingLastComponent }
        return whole.filter { entry in
            let module = entry.key.target.droppingLastComponent
            return lacks(entry.key.target) || replaces(module, heads[module] ?? [])
        }
    }

    /// Whether entries take the place of all of a head's tensors in the base, for another number of answers: of each the first
    /// dimension differs, and no other.
    private func replaces(_ module: String, _ entries: [AdapterEntry]) -> Bool {
        guard Adapter.isHead(module),
            base.tensors.count(where: { $0.name.droppingLastComponent == module }) == entries.count
        else { return false }
        let count = entries.first?[.value]?.shape.dimensions.first
        return entries.allSatisfy { entry in
            guard find(entry.key.target) == entry.key.target, let own = tensor(entry.key.target),
                let new = entry[.value],
                FloatElements.canHold(own.dtype), FloatElements.canHold(new.dtype)
            else { return false }
            let (before, after) = (own.shape.dimensions, new.shape.dimensions)
            return before.count == after.count && before.dropFirst() == after.dropFirst()
                && before.first != after.first && after.first == count
        }
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
