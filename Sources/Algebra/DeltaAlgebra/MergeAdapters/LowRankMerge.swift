import Adapters
import Diagnostics
import JSON
import Parallelism
import Synchronization
import Tensors

/// Targets of adapters whose changes are of low rank, matched by their names.
struct LowRankMerge: Sendable {
    let targets: [TargetOfAdapters]
    /// The modules of entries whose factors have no elements.
    let emptied: [String]

    /// All modules that an adapter has an entry for.
    var modules: [String] { targets.map(\.module) + emptied }

    /// Throws ``Failure/Code/notMergeable`` for an entry that is no change of low rank, and ``Failure/Code/kindShape`` for
    /// targets of different shapes.
    init(_ adapters: [WeightedAdapter]) throws(Failure) {
        var found: [ExactKey: [[LowRankEntry]]] = [:]
        var emptied: [String] = []
        for (number, one) in adapters.enumerated() {
            let shared = SharedFactors(one.adapter, base: { _ in nil })
            for entry in one.adapter.entries where !Self.passed.contains(entry.key.kind) {
                guard ThinFactorReader.all[entry.key.kind] != nil else {
                    throw Failure(
                        .notMergeable, "entries of kind \(entry.key.kind.word) cannot be merged",
                        object: entry.key.target, path: one.path)
                }
                guard let own = try LowRankEntry(entry, of: one.adapter, shared: shared, path: one.path) else {
                    emptied.append(entry.modulePath)
                    continue
                }
                let none = [[LowRankEntry]](repeating: [], count: adapters.count)
                found[ExactKey(own.target), default: none][number].append(own)
            }
        }
        var targets: [TargetOfAdapters] = []
        for name in found.keys.map(\.string).sorted(by: { $0.precedesInBytes($1) }) {
            guard let entries = found[ExactKey(name)], let first = entries.lazy.flatMap(\.self).first else { continue }
            for other in entries.joined() where other.form != first.form {
                throw Failure(
                    .kindShape, "the adapters are for modules of different shapes", object: name,
                    expected: first.form.description, actual: other.form.description)
            }
            targets.append(
                TargetOfAdapters(name: name, module: first.modulePath, form: first.form, entries: entries))
        }
        self.targets = targets
        self.emptied = emptied
    }

    /// What is merged otherwise, or belongs to others; what nobody understands is for training alone.
    private static let passed: Set<Kind> = WholeTensors.kinds.union([.file, .shared, .opaque])

    /// Calls `body` for every target, and gives the results in their order.
    func map<Result: Sendable>(
        lanes: Lanes, _ body: @Sendable (TargetOfAdapters) throws(Failure) -> Result
    ) throws(Failure) -> [Result] {
        let results = Mutex([Result?](repeating: nil, count: targets.count))
        try lanes.forEach(targets.count) { _, number throws(Failure) in
            let result: Result
            do throws(Failure) {
                result = try body(self.targets[number])
            } catch {
                throw error.on(self.targets[number].name)
            }
            results.withLock { $0[number] = result }
        }
        return results.withLock { $0.compactMap(\.self) }
    }
}
