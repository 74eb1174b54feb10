import Adapters
import Diagnostics
import Kernels
import Layers

/// The entries of an adapter by the linear layer they are for.
struct EntryTable {
    private let entries: [String: AdapterEntry]

    /// Throws ``Failure/Code/baseIncompatible`` for an entry of `kind` that is for no layer of the model.
    init<R: Real>(_ entries: [AdapterEntry], _ sites: Sites<R>, kind: Kind) throws(Failure) {
        let names = Set(sites.linears.map(\.weight.name))
        var table: [String: AdapterEntry] = [:]
        for entry in entries where entry.key.kind == kind {
            guard names.contains(entry.key.target) else {
                throw Failure(
                    .baseIncompatible, "no linear layer of the base is this target", object: entry.key.target)
            }
            table[entry.key.target] = entry
        }
        self.entries = table
    }

    subscript<R: Real>(_ linear: Linear<R>) -> AdapterEntry? { entries[linear.weight.name] }
}
