package import Diagnostics
import Digests
import Files
package import Parallelism

/// Makes a report of what was found, or of what a store holds.
package struct ReportBuilder: Sendable {
    package var lanes: Lanes
    package var bases: [KnownBase]
    /// Whether numbers are looked at, and folders packed in memory to know what that would save; else only headers.
    package var readsValues: Bool

    package init(lanes: Lanes, bases: [KnownBase] = [], readsValues: Bool = true) {
        self.lanes = lanes
        self.bases = bases
        self.readsValues = readsValues
    }

    /// Reads one after the other; what cannot be read is told in the report.
    ///
    /// - Parameter onRead: Is told after each how many are done.
    package func report(
        on holdings: [Holding], broken: [HoldingFinder.Broken] = [], others: [HoldingFinder.Other] = [],
        onRead: (Int) -> Void = { _ in }
    ) throws(Failure) -> StorageReport {
        var reader = ItemReader(lanes: lanes, bases: bases, readsValues: readsValues)
        var items: [ReportItem] = []
        var remedies: [[Remedy]] = []
        var broken = broken
        var others = others
        var containers: [ItemReader.FileKey: Int] = [:]
        var nameCount = 0
        for (number, holding) in holdings.enumerated() {
            try Cancellation.check()
            nameCount += holding.names.count
            guard nameCount <= SizeChain.mostNames else {
                throw Failure(.limit, "too many names to report on", expected: "at most \(SizeChain.mostNames)")
            }
            do throws(Failure) {
                let reading = try reader.read(holding)
                if let file = reading.file, let earlier = containers[file] {
                    // Another name of the same file.
                    items[earlier].holding.names += holding.names
                    items[earlier].chain.names += holding.names.count
                } else {
                    if let file = reading.file { containers[file] = items.count }
                    items.append(reading.item)
                    remedies.append(reading.remedies)
                    others += reading.others
                }
            } catch {
                guard ![.interrupted, .terminated].contains(error.code) else { throw error }
                broken.append(HoldingFinder.Broken(path: holding.path, failure: error))
            }
            onRead(number + 1)
        }
        let advice = AdviceList(items, remedies).advice
        return StorageReport(
            items: Self.gathered(items).sorted(by: Self.precedes), advice: Self.sorted(advice), broken: broken,
            others: others)
    }

    private static func precedes(_ a: ReportItem, _ b: ReportItem) -> Bool {
        let (one, other) = (a.chain.storedBytes, b.chain.storedBytes)
        return one == other ? a.name.utf8.lexicographicallyPrecedes(b.name.utf8) : one > other
    }

    /// By what is saved, most first.
    private static func sorted(_ advice: [Advice]) -> [Advice] {
        advice.sorted { a, b in
            if a.saves != b.saves { return a.saves ?? 0 > b.saves ?? 0 || (a.saves != nil && b.saves == nil) }
            return a.sort == b.sort
                ? a.name.utf8.lexicographicallyPrecedes(b.name.utf8) : a.sort.rawValue < b.sort.rawValue
        }
    }

    /// A base that some know by its fingerprint and others by the path given for it is one.
    private static func gathered(_ items: [ReportItem]) -> [ReportItem] {
        var roots: [String: Set<ReportItem.Base>] = [:]
        for base in items.compactMap(\.base) where base.isFingerprint {
            roots[base.label, default: []].insert(base)
        }
        return items.map { item in
            guard let base = item.base, !base.isFingerprint, let known = roots[base.label],
                known.count == 1
            else { return item }
            var item = item
            item.base = known.first
            return item
        }
    }
}
