import Adapters
import Checkpoints
import Diagnostics
import Digests
import Tensors

/// How strictly a base must be the one that a delta was made for.
package enum BaseCheck: String, Sendable, CaseIterable {
    /// Every tensor that the delta changes has the digest it had; what is bound to no base is checked by shapes.
    case strict
    /// Names, types and shapes.
    case shapes
    /// Nothing that can be done without.
    case off
}

/// Sees to it that a base is the one that the adapters are bound to.
struct BindingCheck: Sendable {
    let mode: BaseCheck
    let base: Checkpoint
    let adapters: [WeightedAdapter]

    /// Whether the base's tensors must be hashed.
    var needsDigests: Bool { mode == .strict && adapters.contains { !$0.adapter.bases.isEmpty } }

    /// What headers tell: before any data are read.
    ///
    /// Throws ``Failure/Code/baseMismatch`` for a base of other names, types or shapes, if the check is strict and the
    /// delta is one of whole checkpoints; for adapters their own tensors decide.
    func begin() throws(Failure) -> [Finding] {
        var findings: [Finding] = []
        for one in adapters {
            if one.adapter.bases.isEmpty {
                if mode != .off {
                    findings.append(
                        Finding(
                            "base-unbound", "is bound to no base: only names and shapes could be checked",
                            object: one.path))
                }
                continue
            }
            guard mode == .strict, one.adapter.isCheckpointDelta else { continue }
            let found = BaseFingerprint.headerDigest(of: base)
            for reference in one.adapter.bases where reference.headerDigest != found {
                throw mismatch(
                    "the base is not the one that the delta was made for", one, reference, isHeader: true)
            }
        }
        if mode == .off { findings.append(Finding("base-unchecked", "the base was not checked", object: base.path)) }
        return findings
    }

    /// What digests tell, once all were taken; `names` gives the base's name of a target.
    ///
    /// Throws ``Failure/Code/baseMismatch`` with the first tensors that differ.
    func end(_ fingerprint: BaseFingerprint, name: (String) -> String?) throws(Failure) -> [Finding] {
        guard mode == .strict else { return [] }
        var findings: [Finding] = []
        for one in adapters {
            var differing: [String] = []
            for entry in one.adapter.entries {
                guard let leaf = entry.binding?.baseLeaf, let name = name(entry.key.target),
                    let number = base.index(of: name), fingerprint.leaves[number] != leaf
                else { continue }
                differing.append(name)
            }
            let references = one.adapter.bases
            let isSame = references.contains { $0.root == fingerprint.root }
            let hasLeaves = one.adapter.entries.contains { $0.binding?.baseLeaf != nil }
            if !differing.isEmpty || (!isSame && !hasLeaves && !references.isEmpty) {
                let listed = differing.prefix(3).joined(separator: ", ")
                throw mismatch(
                    differing.isEmpty
                        ? "the base is not the one that the adapter was made for"
                        : "\(differing.count) tensors of the base are not those that the delta was made for", one,
                    references[0], isHeader: false
                ).on(listed.isEmpty ? one.path : listed)
            }
            if !isSame && !references.isEmpty {
                findings.append(
                    Finding(
                        "base-differs-elsewhere",
                        "the base is not the one that the adapter was made for, but is in every tensor that it changes",
                        object: one.path))
            }
        }
        return findings
    }

    private func mismatch(
        _ what: String, _ one: WeightedAdapter, _ reference: BaseReference, isHeader: Bool
    ) -> Failure {
        Failure(
            .baseMismatch, what, path: base.path, expected: "root \(reference.root)",
            hint: explanation(reference, one.adapter)
        ).hint("--base-check shapes looks at names, types and shapes alone")
    }

    /// The nearest explanation that counts and sizes allow.
    private func explanation(_ reference: BaseReference, _ adapter: Adapter) -> String {
        if let method = base.quantization { return "this base is quantized (\(method)); the delta's is not" }
        let header = BaseFingerprint.headerDigest(of: base)
        if reference.headerDigest == header {
            return "names, types and shapes are the same: perhaps another revision, or a fine-tune of it"
        }
        if reference.tensorCount != base.tensors.count {
            return "it has \(base.tensors.count) tensors and should have \(reference.tensorCount): another model"
        }
        if reference.byteCount == base.totalBytes * 2 || reference.byteCount * 2 == base.totalBytes {
            return "it has as many tensors in half or twice the bytes: perhaps the same model in another dtype"
        }
        return "it has as many tensors and \(base.totalBytes) bytes instead of \(reference.byteCount): perhaps a "
            + "vocabulary that was resized"
    }
}
