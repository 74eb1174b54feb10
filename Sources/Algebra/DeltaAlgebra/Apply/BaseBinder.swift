import Digests
package import Adapters
package import Checkpoints
package import Diagnostics
package import Packaging
package import Parallelism
import Synchronization

/// Binds adapters to a base, and tells of bound ones whether they fit it: `Spec/base.md`, section 3.
package final class BaseBinder: Sendable {
    private let base: Checkpoint
    private let lanes: Lanes
    private let cache: FingerprintCache?
    private let targets: BaseTargets
    private let known = Mutex<BaseFingerprint?>(nil)

    package init(_ base: Checkpoint, lanes: Lanes, cache: FingerprintCache?) {
        self.base = base
        self.lanes = lanes
        self.cache = cache
        targets = BaseTargets(base)
    }

    /// Reads the base's data at the first call, as far as the cache does not know it.
    private func fingerprint() throws(Failure) -> BaseFingerprint {
        try known.withLock { known throws(Failure) in
            if let known { return known }
            let found = try BaseFingerprint(of: base, lanes: lanes, cache: cache)
            known = found
            return found
        }
    }

    /// Gives every entry the leaf of the base's tensor that it is for.
    ///
    /// Throws ``Failure/Code/baseIncompatible`` where the base lacks a tensor or has it in another shape, as `apply`
    /// would, ``Failure/Code/baseAmbiguous``, and what reading the base throws.
    ///
    /// - Parameter path: Where the adapter came from, for messages.
    package func bind(_ adapter: inout Adapter, path: String) throws(Failure) {
        let entryTargets = try fit(adapter, path: path)
        let fingerprint = try fingerprint()
        adapter.bases = [
            BaseReference(
                root: fingerprint.root, headerDigest: fingerprint.headerDigest, tensorCount: fingerprint.tensorCount,
                byteCount: fingerprint.byteCount)
        ]
        for index in adapter.entries.indices where adapter.entries[index].key.kind != .file {
            let name = entryTargets[adapter.entries[index].key]
            let leaf = name.flatMap { base.index(of: $0) }.map { fingerprint.leaves[$0] }
            adapter.entries[index].binding = EntryBinding(base: 0, baseLeaf: leaf)
        }
    }

    /// Whether the base is the one that the adapter is bound to; of one that is bound to none, whether it fits.
    ///
    /// Throws ``Failure/Code/verificationFailed`` where it is not, and otherwise as ``bind(_:path:)`` does.
    package func check(_ adapter: Adapter, path: String) throws(Failure) -> Verification.Answer {
        do throws(Failure) {
            return try answer(adapter, path: path)
        } catch {
            guard error.code == .baseMismatch || error.code == .baseIncompatible else { throw error }
            // Whoever asks is told no; only whoever wants to go on with it has malformed input.
            var no = error
            no.code = .verificationFailed
            throw no
        }
    }

    /// What ``check(_:path:)`` answers, for whoever wants to go on with the adapter on this base.
    ///
    /// Throws ``Failure/Code/baseMismatch`` where it is bound to another, and otherwise as ``bind(_:path:)`` does.
    package func answer(_ adapter: Adapter, path: String) throws(Failure) -> Verification.Answer {
        let one = WeightedAdapter(adapter, contentDigest: .zero, path: path, weight: 1)
        let check = BindingCheck(mode: .strict, base: base, adapters: [one], lanes: lanes)
        var findings = try check.begin()
        let entryTargets = try fit(adapter, path: path)
        guard let reference = adapter.bases.first else {
            return Verification.Answer("names and shapes fit; it is bound to no base", findings)
        }
        let fingerprint = try fingerprint()
        findings += try check.end(fingerprint, [entryTargets])
        let count = adapter.entries.count { $0.binding?.baseLeaf != nil }
        return Verification.Answer(
            reference.root == fingerprint.root
                ? "the base has the root \(fingerprint.root)" : "the leaves of \(count) entries are the base's",
            findings)
    }

    /// Which tensors of the base the entries are for, if they fit it by names and shapes.
    private func fit(_ adapter: Adapter, path: String) throws(Failure) -> EntryTargets {
        if adapter.isCheckpointDelta { return try EntryTargets(adapter, [], targets) }
        try base.checkTakesChanges()
        let made = targets.made(of: adapter)
        let changing = try adapter.dequantized().without(made)
        let planned = try AdapterUpdates(changing) { [targets] in targets.tensor($0) }
        // What is no change of weights need not fit any.
        try targets.report(planned.refusals.filter { $0.failure.code != .notMergeable }, of: adapter, path: path)
        return try EntryTargets(adapter.without(made), planned.updates, targets)
    }
}
