/// What is stored, what that saves, and what to mend.
package struct StorageReport: Sendable {
    /// Largest first.
    package let items: [ReportItem]
    /// What saves most first.
    package let advice: [Advice]
    package let broken: [HoldingFinder.Broken]
    package let others: [HoldingFinder.Other]
    package let total: ReportGroup

    init(
        items: [ReportItem], advice: [Advice], broken: [HoldingFinder.Broken], others: [HoldingFinder.Other]
    ) {
        self.items = items
        self.advice = advice
        self.broken = broken
        self.others = others
        var total = ReportGroup(key: "", label: "all")
        for item in items { total.add(item) }
        self.total = total
    }

    /// Largest first; those whose base is not known under an empty key, whole models by themselves.
    package var bases: [ReportGroup] {
        groups { item in
            if let base = item.base { return (base.key, base.label) }
            return item.holding.form == .checkpoint ? ("checkpoint", "whole models") : ("", "no base named")
        }
    }

    package var methods: [ReportGroup] { groups { ($0.method, $0.method) } }

    private func groups(_ key: (ReportItem) -> (key: String, label: String)) -> [ReportGroup] {
        var groups: [String: ReportGroup] = [:]
        for item in items {
            let (key, label) = key(item)
            groups[key, default: ReportGroup(key: key, label: label)].add(item)
        }
        return groups.values.sorted { a, b in
            a.storedBytes == b.storedBytes
                ? a.key.utf8.lexicographicallyPrecedes(b.key.utf8) : a.storedBytes > b.storedBytes
        }
    }

    /// How many full copies' sizes are not known, so that no saving is counted for them.
    package var withoutCopy: Int { items.count { !$0.knowsCopy } }

    /// How what is there now came to be: by days, or by months where they are more than 62.
    package var growth: [GrowthPoint] {
        let dates = items.map { CalendarDate(nanoseconds: $0.added) }
        guard let first = dates.min(), let last = dates.max() else { return [] }
        let byMonth = last.day - first.day > 62
        var points: [GrowthPoint] = []
        var sum = GrowthPoint(date: "", day: 0, count: 0, logicalBytes: 0, storedBytes: 0)
        for index in items.indices.sorted(by: { (dates[$0], $0) < (dates[$1], $1) }) {
            let text = byMonth ? dates[index].monthText : dates[index].text
            if text != sum.date {
                if sum.count > 0 { points.append(sum) }
                sum.date = text
            }
            sum.day = dates[index].day
            sum.count += 1
            sum.logicalBytes += items[index].chain.logicalBytes
            sum.storedBytes += items[index].chain.storedBytes
        }
        return points + [sum]
    }
}

/// What was there at the end of a day or a month.
package struct GrowthPoint: Hashable, Sendable {
    /// "2026-11-21", or "2026-11".
    package var date: String
    /// The last day on which something came, since 1970-01-01.
    package var day: Int
    package var count: Int
    package var logicalBytes: Int
    package var storedBytes: Int
}

/// Items added up.
package struct ReportGroup: Sendable {
    package let key: String
    package let label: String
    package private(set) var count = 0
    package private(set) var nameCount = 0
    package private(set) var logicalBytes = 0
    package private(set) var storedBytes = 0
    package private(set) var savings = Savings()

    init(key: String, label: String) {
        self.key = key
        self.label = label
    }

    package var savedBytes: Int { logicalBytes - storedBytes }

    mutating func add(_ item: ReportItem) {
        count += 1
        nameCount += item.chain.names
        logicalBytes += item.chain.logicalBytes
        storedBytes += item.chain.storedBytes
        savings = savings + item.chain.savings
    }
}

/// What storage costs.
package struct StoragePrice: Sendable {
    /// US dollars for 10⁹ bytes and a month.
    package let perGB: Double

    /// Nil for what is no price.
    package init?(perGB: Double) {
        guard perGB.isFinite, perGB >= 0, perGB <= 1e9 else { return nil }
        self.perGB = perGB
    }

    package func monthly(_ bytes: Int) -> Double { Double(bytes) / 1e9 * perGB }
}
