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
        let unchecked =
            base == nil || unbound.isEmpty
            ? []
            : [
                Finding(
                    "base-unchecked", "bound to no base, so it cannot be told whether it is for that of the others",
                    object: unbound[0].path)
            ]
        findings = unchecked + (base == nil || !unbound.isEmpty ? Self.names(adapters) : [])
    }

    /// Adapters that are bound to none may still name their bases in their configs; a path is a name too.
    private static func names(_ adapters: [WeightedAdapter]) -> [Finding] {
        let named = adapters.compactMap { one in one.adapter.metadata["base"].map { (name: $0, path: one.path) } }
        guard let first = named.first, let other = named.first(where: { $0.name != first.name }) else { return [] }
        return [
            Finding(
                "base-names", "the configs name different bases, \(first.name) and \(other.name)", object: other.path)
        ]
    }

    /// That of a target which several entries have.
    func binding(_ bindings: [EntryBinding?]) -> EntryBinding? {
        guard base != nil else { return nil }
        return bindings.lazy.compactMap { $0 }.first.map { EntryBinding(base: 0, baseLeaf: $0.baseLeaf) }
    }
}
