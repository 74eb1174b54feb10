import Adapters
import Checkpoints
import Diagnostics
import Digests
import Parallelism

/// How strictly a base must be the one that a delta was made for.
package enum BaseCheck: String, Sendable, CaseIterable {
    /// Every tensor that the delta changes has the digest it had; what is bound to no base is checked by shapes.
    case strict
    /// Names, types and shapes.
    case shapes
    /// Nothing that can be done without.
    case off
}

/// How much of a base was checked.
package enum BaseChecked: String, Sendable {
    /// The digests of its tensors.
    case digests
    /// Names, types and shapes: it was not read, or there was nothing to compare its data with.
    case shapes
    case nothing
}

/// Sees to it that a base is the one that the adapters are bound to: `Spec/base.md`, section 3.
struct BindingCheck: Sendable {
    let mode: BaseCheck
    let base: Checkpoint
    let adapters: [WeightedAdapter]
    let lanes: Lanes

    /// Whether the base's tensors must be hashed.
    var needsDigests: Bool { mode == .strict && adapters.contains { !$0.adapter.bases.isEmpty } }

    /// What has been checked once ``begin()`` has returned, and ``end(_:_:)`` if `hasEnded`.
    func checked(hasEnded: Bool) -> BaseChecked {
        if mode == .off { return .nothing }
        return needsDigests && hasEnded ? .digests : .shapes
    }

    /// What headers tell: before any data are read.
    ///
    /// Throws ``Failure/Code/baseMismatch`` for a base of other names, types or shapes, if the check is strict and the
    /// delta is one of whole checkpoints; for adapters their own tensors decide.
    func begin() throws(Failure) -> [Finding] {
        if mode == .off { return [Finding("base-unchecked", "the base was not checked", object: base.path)] }
        var findings: [Finding] = []
        for one in adapters {
            guard let reference = one.adapter.bases.first else {
                findings.append(
                    Finding(
                        "base-unbound", "is bound to no base: only names and shapes could be checked",
                        object: one.path))
                continue
            }
            guard mode == .strict, one.adapter.isCheckpointDelta else { continue }
            let found = BaseFingerprint.headerDigest(of: base)
            guard !one.adapter.bases.contains(where: { $0.headerDigest == found }) else { continue }
            throw Failure(
                .baseMismatch, "the base is not the one that the delta was made for", object: one.path,
                path: base.path, expected: "header digest \(reference.headerDigest)", actual: "\(found)",
                hint: try explanation(reference).text())
        }
        return findings
    }

    /// What digests tell, once all were taken.
    ///
    /// Throws ``Failure/Code/baseMismatch`` with the first tensors that differ.
    ///
    /// - Parameter targets: Those of each adapter.
    func end(_ fingerprint: BaseFingerprint, _ targets: [EntryTargets]) throws(Failure) -> [Finding] {
        guard mode == .strict else { return [] }
        var findings: [Finding] = []
        for (one, targets) in zip(adapters, targets) {
            guard let reference = one.adapter.bases.first else { continue }
            if one.adapter.bases.contains(where: { $0.root == fingerprint.root }) { continue }
            let differing = try differing(one.adapter, fingerprint, targets)
            if !differing.isEmpty { throw try mismatch(differing, of: one, reference) }
            if Self.needsRoot(one.adapter) {
                throw Failure(
                    .baseMismatch, "the base is not the one that the adapter was made for", object: one.path,
                    path: base.path, expected: "root \(reference.root)", actual: "\(fingerprint.root)",
                    hint: try explanation(reference).text())
            }
            findings.append(
                Finding(
                    "base-differs-elsewhere",
                    "the base is not the one that the adapter was made for, but is in every tensor that it changes",
                    object: one.path))
        }
        return findings
    }

    /// The base's tensors that are not those that entries are bound to, each once, in the order of the entries.
    private func differing(
        _ adapter: Adapter, _ fingerprint: BaseFingerprint, _ targets: EntryTargets
    ) throws(Failure) -> [(tensor: Int, leaf: Digest)] {
        var found: [(tensor: Int, leaf: Digest)] = []
        var seen: Set<Int> = []
        for entry in adapter.entries {
            guard let leaf = entry.binding?.baseLeaf else { continue }
            guard let name = targets[entry.key], let number = base.index(of: name) else {
                throw Failure(
                    .baseMismatch, "the base lacks a tensor that the adapter is bound to", object: entry.key.target,
                    path: base.path)
            }
            guard fingerprint.leaves[number] != leaf, seen.insert(number).inserted else { continue }
            found.append((number, leaf))
        }
        return found
    }

    /// Whether leaves do not tell all that the adapter depends on.
    private static func needsRoot(_ adapter: Adapter) -> Bool {
        let bound = adapter.entries.filter { $0.binding != nil }
        return bound.isEmpty
            || bound.contains { $0.binding?.baseLeaf == nil && $0.key.kind != .full && $0.key.kind != .alias }
    }

    private func mismatch(
        _ differing: [(tensor: Int, leaf: Digest)], of one: WeightedAdapter, _ reference: BaseReference
    ) throws(Failure) -> Failure {
        let names = differing.prefix(3).map { base.tensors[$0.tensor].name }
        let first = differing[0]
        let tensors = differing.count == 1 ? "1 tensor" : "\(differing.count) tensors"
        return Failure(
            .baseMismatch, "the base differs from the one that the adapter was made for, in \(tensors) that it changes",
            object: names.joined(separator: ", "), path: base.path, expected: "leaf \(first.leaf)",
            hint: try explanation(reference).text(differing: differing))
    }

    private func explanation(_ reference: BaseReference) -> MismatchExplanation {
        MismatchExplanation(base: base, reference: reference, lanes: lanes)
    }
}
