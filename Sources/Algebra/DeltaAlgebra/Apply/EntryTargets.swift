import Adapters
import Diagnostics
import JSON

/// Which tensor of a base stands for an entry of an adapter: the one whose leaf the entry is bound to.
struct EntryTargets: Sendable {
    private var names: [EntryKey: String] = [:]

    /// - Parameter updates: What the adapter does to the base; they name the tensors of entries that do not themselves.
    init(_ adapter: Adapter, _ updates: [PlannedUpdate], _ targets: BaseTargets) throws(Failure) {
        var changed: [EntryKey: Set<ExactKey>] = [:]
        for update in updates {
            changed[update.entry, default: []].insert(ExactKey(try targets.name(of: update.target)))
        }
        for entry in adapter.entries where entry.key.isOfTensor {
            if let name = targets.find(entry.key.target) {
                names[entry.key] = name
            } else if let only = changed[entry.key], only.count == 1 {
                names[entry.key] = only.first?.string
            }
        }
    }

    /// Nil where no tensor, or more than one, stands for the entry.
    subscript(_ entry: EntryKey) -> String? { names[entry] }
}

extension EntryKey {
    /// Whether the target may be a tensor of the base: files, shared factors and what is not understood have none.
    var isOfTensor: Bool { !target.isEmpty && ![.file, .shared, .opaque].contains(kind) }
}
