import Adapters
import Diagnostics
import Digests

/// The base that several adapters are for.
struct BaseAgreement {
    /// Nil where none is bound to one, or they are bound to different ones and that was not to be checked.
    let base: BaseReference?
    let findings: [Finding]

    /// Throws ``Failure/Code/baseMismatch`` for adapters of different bases: of different tensors if the check is strict,
    /// of different names, types and shapes otherwise.
    init(_ adapters: [WeightedAdapter], _ check: BaseCheck) throws(Failure) {
        var first: (base: BaseReference, path: String)?
        var differs = false
        for one in adapters {
            for base in one.adapter.bases {
                guard let known = first else {
                    first = (base, one.path)
                    continue
                }
                guard known.base.root != base.root else { continue }
                differs = true
                if check == .off || check == .shapes && known.base.headerDigest == base.headerDigest { continue }
                throw Failure(
                    .baseMismatch, "the adapters were made for different bases", path: one.path,
                    expected: "\(known.base.root), as \(known.path)", actual: "\(base.root)",
                    hint: "--base-check off merges them all the same, bound to no base")
            }
        }
        base = differs ? nil : first?.base
        let unbound = adapters.filter { $0.adapter.bases.isEmpty }
        findings =
            base == nil || unbound.isEmpty
            ? []
            : [
                Finding(
                    "base-unchecked", "bound to no base, so it cannot be told whether it is for that of the others",
                    object: unbound[0].path)
            ]
    }

    /// That of a target which several entries have.
    func binding(_ bindings: [EntryBinding?]) -> EntryBinding? {
        guard base != nil else { return nil }
        return bindings.lazy.compactMap { $0 }.first.map { EntryBinding(base: 0, baseLeaf: $0.baseLeaf) }
    }
}
