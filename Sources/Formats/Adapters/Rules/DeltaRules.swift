import Diagnostics
import JSON

/// What holds across the entries of a difference of checkpoints: `Spec/deltas.md`.
enum DeltaRules {
    static let correctionStage = "correction"

    /// Kinds of which a target has one at most, for each makes the tensor.
    private static let makers: [Kind] = [.exact, .sparse, .full, .removed, .alias, .correction]
    /// Those after which rows can be added.
    private static let extensible: [Kind] = [.exact, .sparse]

    static func check(_ adapter: Adapter) throws(Failure) -> [Finding] {
        let root = adapter.parameters["result_root"]
        guard root == nil || root?.string?.isDigest == true else {
            throw Failure(
                .badParameter, "the record does not name the result's root", expected: "64 hexadecimal digits",
                actual: root?.summary)
        }
        let entries = adapter.entries.filter { $0.key.kind != .file }
        let isCorrection = adapter.parameters["stage"]?.string == correctionStage
        for entry in entries {
            guard (entry.key.kind == .correction) == isCorrection else {
                throw Failure(
                    .badParameter, "a container of corrections has only such, and no other has one",
                    object: entry.key.description)
            }
            if root != nil { try checkLeaves(entry) }
        }
        try checkTargets(entries)
        try checkAliases(entries)
        return []
    }

    /// Whoever must give a tensor back has to know which.
    private static func checkLeaves(_ entry: AdapterEntry) throws(Failure) {
        let kind = entry.key.kind
        // A LoRA is only a step on the way.
        guard makers.contains(kind) || kind == .extend else { return }
        let needsBase = ![.full, .alias].contains(kind)
        let needsResult = kind != .removed
        guard !needsBase || entry.binding?.baseLeaf != nil, !needsResult || entry.binding?.resultLeaf != nil else {
            throw Failure(
                .indexInconsistent, "an entry of a lossless delta lacks the leaf of its base's tensor or of its result",
                object: entry.key.description)
        }
    }

    private static func checkTargets(_ entries: [AdapterEntry]) throws(Failure) {
        var maker: [ExactKey: Kind] = [:]
        for entry in entries where makers.contains(entry.key.kind) {
            guard maker.updateValue(entry.key.kind, forKey: ExactKey(entry.key.target)) == nil else {
                throw Failure(.duplicate, "two entries make one tensor", object: entry.key.description)
            }
        }
        var extended: Set<ExactKey> = []
        for entry in entries where entry.key.kind == .extend {
            let target = ExactKey(entry.key.target)
            guard extended.insert(target).inserted, maker[target].map(extensible.contains) ?? true else {
                throw Failure(
                    .duplicate, "rows are added to a tensor that another entry makes whole",
                    object: entry.key.description)
            }
        }
    }

    private static func checkAliases(_ entries: [AdapterEntry]) throws(Failure) {
        let aliases = Set(entries.filter { $0.key.kind == .alias }.map { ExactKey($0.key.target) })
        let removed = Set(entries.filter { $0.key.kind == .removed }.map { ExactKey($0.key.target) })
        for entry in entries where entry.key.kind == .alias {
            guard let name = entry.parameters["of"]?.string else { continue }
            guard !aliases.contains(ExactKey(name)), !removed.contains(ExactKey(name)) else {
                throw Failure(
                    .badParameter, "an alias of what is an alias itself, or is removed", object: entry.key.description,
                    actual: name)
            }
        }
    }
}

extension String {
    /// Whether it is a digest as containers' parameters have it.
    var isDigest: Bool {
        utf8.count == 64 && utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
