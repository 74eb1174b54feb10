import Digests

/// What to mend of all items: what each needs by itself, and what they hold twice.
struct AdviceList {
    private(set) var advice: [Advice] = []

    /// - Parameter remedies: Those of each item.
    init(_ items: [ReportItem], _ remedies: [[Remedy]]) {
        let duplicates = Self.duplicates(items)
        for (item, (own, duplicate)) in zip(items, zip(remedies, duplicates)) {
            // What goes need not be mended otherwise.
            if let removal = own.first(where: { if case .removal = $0.way { true } else { false } }) {
                add(removal, item)
            } else if let duplicate {
                advice.append(duplicate)
            } else {
                for remedy in own { add(remedy, item) }
            }
        }
    }

    private mutating func add(_ remedy: Remedy, _ item: ReportItem) {
        guard let command = RemedyCommand(item).text(remedy.way) else { return }
        advice.append(
            Advice(sort: remedy.sort, name: item.name, reason: remedy.reason, saves: remedy.saves, command: command))
    }

    // MARK: Duplicates

    /// For each item what makes it one with another of the same content, where there is one.
    private static func duplicates(_ items: [ReportItem]) -> [Advice?] {
        var advice = [Advice?](repeating: nil, count: items.count)
        var originals: [Digest: [ReportItem]] = [:]
        let order = items.indices.sorted { (precedence(items[$0]), $0) < (precedence(items[$1]), $1) }
        for index in order {
            let item = items[index]
            guard let digest = item.unboundDigest else { continue }
            // One that is bound is no duplicate of what is bound to another base, or to none.
            guard let original = originals[digest]?.first(where: { item.root == nil || item.root == $0.root }) else {
                originals[digest, default: []].append(item)
                continue
            }
            // Files that others share already are nothing to win.
            guard item.chain.storedBytes > 0, let sharing = RemedyCommand(item).sharing(with: original) else {
                continue
            }
            advice[index] = Advice(
                sort: .duplicate, name: item.name, reason: "the same content as \(original.name)",
                saves: min(sharing.saves, item.chain.storedBytes), command: sharing.command)
        }
        return advice
    }

    /// What is kept first of several: what a store has, then containers; of those, what is bound.
    private static func precedence(_ item: ReportItem) -> Int {
        (item.holding.store != nil ? 0 : item.holding.form == .container ? 2 : 4) + (item.root == nil ? 1 : 0)
    }
}

extension ReportItem {
    /// The root of the base that it is bound to.
    fileprivate var root: String? { base.flatMap { $0.isFingerprint ? $0.key : nil } }
}
