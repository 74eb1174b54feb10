import Adapters
import Checkpoints
import Diagnostics
import JSON
import Synchronization
import Tensors

/// What becomes of every tensor of a base under some adapters, before anything of it is computed.
struct ResultPlan: Sendable {
    /// In the order of their names' bytes.
    let tensors: [ResultTensor]
    /// The names of the base's tensors that are changed, and by which entry.
    let changed: [ExactKey: EntryKey]
    /// What adapters do to the base's tensors, by name.
    let updates: [ExactKey: [PlannedUpdate]]
    let findings: [Finding]
    /// Of each adapter.
    let entryTargets: [EntryTargets]
    /// The config of what comes of the base, where its head is made for a task or for classes that it must tell of.
    let config: HeadConfig?
    /// The names of tensors that the base lacks, or has in another shape, which adapters bring along.
    let made: [String]
    let tally = RoundingTally()

    /// Elements of the tensors that are changed.
    var changedWeights: Int {
        tensors.reduce(0) { sum, tensor in
            changed[tensor.name] == nil
                ? sum : sum + tensor.source.byteCount / (tensor.source.dtype.width ?? 1)
        }
    }

    /// - Parameters:
    ///   - dtype: What all tensors of floats are converted to; nil for what they are.
    ///
    /// Throws ``Failure/Code/baseIncompatible`` where the base lacks what an adapter changes, with the nearest names,
    /// ``Failure/Code/notMergeable``, and what reading throws.
    init(_ adapters: [WeightedAdapter], onto watch: BaseWatch, dtype: DType?) throws(Failure) {
        let base = watch.base
        if adapters.contains(where: { !$0.adapter.isCheckpointDelta }) { try base.checkTakesChanges() }
        if adapters.count > 1, let delta = adapters.first(where: \.adapter.isCheckpointDelta) {
            throw Failure(
                .baseIncompatible, "a delta of checkpoints is bound to the bits of its base, and applies alone",
                object: delta.path, hint: "apply one after the other, if the second was taken from the first's result")
        }
        let targets = BaseTargets(base)
        var updates: [ExactKey: [PlannedUpdate]] = [:]
        var changed: [ExactKey: EntryKey] = [:]
        var findings: [Finding] = []
        var entryTargets: [EntryTargets] = []
        var changes = CheckpointChanges(watch, targets)
        var made: [String] = []
        var config: HeadConfig?
        for one in adapters {
            if one.adapter.parameters["stage"]?.string == Correction.stage {
                throw Failure(
                    .notMergeable, "the file holds a correction, which takes adapters off and puts nothing on",
                    path: one.path, hint: "tenon unapply ADAPTERS --merged MODEL --undo \(one.path)")
            }
            if one.adapter.isCheckpointDelta {
                do throws(Failure) { findings += try Method.delta.check(one.adapter) } catch {
                    throw error.at(path: one.path)
                }
            }
            let new = targets.made(of: one.adapter)
            let (own, weights) = one.adapter.without(new).splitByScope()
            let planned = try AdapterUpdates(weights, weight: one.weight) { targets.tensor($0) }
            try targets.report(planned.refusals, of: weights, path: one.path)
            findings += planned.findings
            findings += base.findings(ofTiedHeadUnder: one.adapter)
            entryTargets.append(try EntryTargets(one.adapter.without(new), planned.updates, targets))
            for update in planned.updates {
                let name = ExactKey(try targets.name(of: update.target))
                updates[name, default: []].append(update)
                changed[name] = update.entry
            }
            let ownConfig = try HeadConfig(base, one.adapter, made: new)
            // The head that is put in place last is the result's.
            if one.adapter.headCount != nil { config = ownConfig }
            if !new.isEmpty {
                if let twice = new.first(where: { made.contains($0.key.target) }) {
                    throw .notMergeable(
                        "two adapters bring a module along that the base lacks", hint: "apply one of them"
                    )
                    .on(twice.key.target).at(path: one.path)
                }
                for entry in new {
                    try changes.add(entry)
                    changed[ExactKey(entry.key.target)] = entry.key
                }
                made += new.map(\.key.target)
                findings += Self.findings(of: new, in: one, hasConfig: ownConfig != nil, planned.updates, targets)
            }
            guard !own.isEmpty else { continue }
            guard one.weight == 1 else {
                throw Failure(
                    .usage, "a delta of whole checkpoints can only be applied as it is", object: one.path,
                    actual: "weight \(one.weight)")
            }
            for entry in own {
                try changes.add(entry)
                changed[ExactKey(entry.key.target)] = entry.key
            }
        }
        if let name = made.first(where: { updates[ExactKey($0)] != nil }) {
            throw .notMergeable("two adapters change a head, and one of them replaces it", hint: "apply one of them")
                .on(name)
        }
        self.findings = findings
        self.config = config
        self.made = made
        self.changed = changed
        self.updates = updates
        self.entryTargets = entryTargets
        tensors = try changes.result(updates: updates, dtype: dtype, tally: tally)
    }

    /// What to know of modules that are new.
    private static func findings(
        of made: [AdapterEntry], in one: WeightedAdapter, hasConfig: Bool, _ updates: [PlannedUpdate],
        _ targets: BaseTargets
    ) -> [Finding] {
        let first = made[0].key.target
        let replaced = made.filter { !targets.lacks($0.key.target) }
        var findings: [Finding] = []
        if made.count > replaced.count {
            findings.append(
                Finding(
                    "head-added", "\(made.count - replaced.count) tensors are new: the base lacks what they belong to",
                    object: first))
        }
        if let first = replaced.first?.key.target {
            findings.append(
                Finding(
                    "head-replaced",
                    "\(replaced.count) tensors take the place of the base's, which are for another number of answers",
                    object: first))
        }
        if !hasConfig {
            findings.append(
                Finding(
                    "head-config",
                    "config.json does not tell of the new tensors: its architectures must name a model that "
                        + "has them", object: first))
        }
        if one.weight != 1 {
            findings.append(
                Finding(
                    "weight-ignored", "\(made.count) tensors are stored whole and put in place whatever the weight",
                    object: first))
        }
        let shorter = updates.first { update in
            targets.find(update.target).map { $0 != update.target && update.target.hasSuffix($0) } ?? false
        }
        if let shorter {
            findings.append(
                Finding(
                    "head-names",
                    "the base's names lack the prefix that a model with a head has: libraries may not find "
                        + "both", object: shorter.target))
        }
        return findings
    }
}

extension Checkpoint {
    /// Throws ``Failure/Code/baseIncompatible`` for a quantized base.
    func checkTakesChanges() throws(Failure) {
        guard let quantization else { return }
        throw Failure(
            .baseIncompatible,
            "the base is quantized (\(quantization)): its weights are no numbers that can be added to",
            path: path, hint: "apply to the base it was quantized from, and quantize the result")
    }
}

extension Adapter {
    /// Whether it is the difference of two checkpoints and not a method's adapter.
    package var isCheckpointDelta: Bool { method == Method.delta.word }

    /// Entries that change the checkpoint's tensors bit by bit or as wholes, and the rest, which changes weights.
    fileprivate func splitByScope() -> (checkpoint: [AdapterEntry], weights: Adapter) {
        guard isCheckpointDelta else { return ([], self) }
        var weights = self
        weights.entries.removeAll { $0.isOfCheckpoint }
        return (entries.filter { $0.isOfCheckpoint && $0.key.kind != .file }, weights)
    }
}

extension AdapterEntry {
    fileprivate var isOfCheckpoint: Bool {
        switch key.kind {
        case .exact, .full, .removed, .alias, .extend, .file: true
        case .sparse: parameters["places"] != nil
        default: false
        }
    }
}

/// The base's tensors by the names that adapters have for them.
final class BaseTargets: Sendable {
    let base: Checkpoint
    private let names: TargetNames
    private let known = Mutex<[ExactKey: TargetNames.Match]>([:])

    init(_ base: Checkpoint) {
        self.base = base
        names = TargetNames(base.tensors.map(\.name))
    }

    private func match(_ target: String) -> TargetNames.Match {
        known.withLock { known in
            if let match = known[ExactKey(target)] { return match }
            let match = names.match(target)
            known[ExactKey(target)] = match
            return match
        }
    }

    func tensor(_ target: String) -> BaseTensor? {
        guard let tensor = find(target).flatMap({ base[$0] }) else { return nil }
        return BaseTensor(dtype: tensor.dtype, shape: tensor.shape, isTransposed: base.config.isTransposed(tensor.name))
    }

    /// The base's name for a target, nil for one that is not there or could be several.
    func find(_ target: String) -> String? {
        guard case .found(let name) = match(target) else { return nil }
        return name
    }

    /// Whether no tensor of the base can be meant.
    func lacks(_ target: String) -> Bool {
        if case .none = match(target) { true } else { false }
    }

    /// The base's name for a target that was found.
    func name(of target: String) throws(Failure) -> String {
        guard let name = find(target) else {
            throw Failure(.baseIncompatible, "the base has no tensor that the adapter changes", object: target)
        }
        return name
    }

    /// Throws the first refusal, with how many there are and, where the base lacks the tensor, the names nearest to it.
    func report(_ refusals: [AdapterUpdates.Refusal], of adapter: Adapter, path: String) throws(Failure) {
        guard let first = refusals.first else { return }
        let total = adapter.entries.count { $0.key.kind != .file && !$0.key.target.isEmpty }
        var failure = first.failure
        if refusals.count > 1 || total > 1 {
            failure.what += "; \(total - refusals.count) of \(total) entries could be applied"
        }
        let target = first.entry.target
        switch match(target) {
        case .none where failure.code == .baseIncompatible:
            let nearest = names.nearest(to: target)
            if !nearest.isEmpty {
                failure = failure.hint("the nearest that it has: " + nearest.joined(separator: ", "))
            }
        case .ambiguous(let found):
            failure = Failure(
                .baseAmbiguous, "the target could be several of the base's tensors", object: target,
                actual: found.joined(separator: ", "))
        default: break
        }
        throw failure.at(path: path)
    }
}

extension Dictionary where Key == ExactKey {
    /// The value for the tensor with exactly this name.
    subscript(name: String) -> Value? { self[ExactKey(name)] }
}
