import Diagnostics
package import Documents
import Packaging

/// A report as what a page shows.
package struct ReportPage: Sendable {
    let report: StorageReport
    let price: StoragePrice
    let comparison: BaselineComparison?

    package init(_ report: StorageReport, price: StoragePrice, comparison: BaselineComparison? = nil) {
        self.report = report
        self.price = price
        self.comparison = comparison
    }

    package var page: SavingsPage {
        let total = report.total
        let folder = folder
        var facts = [
            ("stored", ByteSize.text(total.storedBytes)), ("as full copies", ByteSize.text(total.logicalBytes)),
            ("saved", total.logicalBytes == 0 ? "-" : (Double(total.savedBytes) / Double(total.logicalBytes)).percent),
            ("a month", price.monthly(total.storedBytes).cents),
            ("a month as copies", price.monthly(total.logicalBytes).cents),
            ("items", "\(total.count)"),
        ]
        if total.nameCount != total.count { facts.append(("names", "\(total.nameCount)")) }
        if report.withoutCopy > 0 { facts.append(("base's size not known", "\(report.withoutCopy)")) }
        if !folder.isEmpty { facts.append(("in", folder)) }
        if let comparison { facts.append(("growth", comparison.line)) }
        var page = SavingsPage(title: "What is stored", facts: facts.map { (name: $0.0, value: $0.1) })
        page.causes = Savings.Cause.allCases.map(\.title)
        page.bars =
            [bar("all", total.storedBytes, total.savings)]
            + report.bases.prefix(12).map { bar($0.label, $0.storedBytes, $0.savings) }
        page.groups = tiles(folder)
        page.points = report.growth.map { point in
            Timeline.Point(
                label: point.date, day: point.day, value: point.storedBytes, text: ByteSize.text(point.storedBytes))
        }
        page.items = report.items.map { item($0, folder) }
        page.advice = Advice.Sort.allCases.compactMap(advice)
        page.broken = report.broken.map { $0.failure.at(path: $0.path).description }
        return page
    }

    /// The folder that all names begin with, with its slash; empty where there is none.
    private var folder: String {
        guard var common = report.items.first?.name.utf8[...], report.items.count > 1 else { return "" }
        for item in report.items {
            let length = zip(common, item.name.utf8).prefix { $0 == $1 }.count
            common = common.prefix(length)
        }
        guard let slash = common.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(common[...slash]) ?? ""
    }

    /// The name without that folder.
    private func shortName(_ item: ReportItem, _ folder: String) -> String {
        String(item.name.utf8.dropFirst(folder.utf8.count)) ?? item.name
    }

    private func bar(_ label: String, _ stored: Int, _ savings: Savings) -> StackedBar {
        StackedBar(
            label: label,
            parts: [Quantity(name: "stored", value: stored, text: ByteSize.text(stored))]
                + Savings.Cause.allCases.map { cause in
                    Quantity(
                        name: cause.title, value: savings[cause], text: ReportText.signed(savings[cause]))
                })
    }

    private func advice(_ sort: Advice.Sort) -> SavingsPage.AdviceGroup? {
        let all = report.advice.filter { $0.sort == sort }
        guard !all.isEmpty else { return nil }
        let saves = all.compactMap(\.saves).reduce(0, +)
        return SavingsPage.AdviceGroup(
            title: sort.title, summary: "\(all.count)" + (saves > 0 ? ", \(ByteSize.text(saves))" : ""),
            list: all.map { one in
                SavingsPage.Advice(
                    name: one.name, reason: one.reason, saves: one.saves.map(ByteSize.text) ?? "",
                    command: one.command)
            })
    }

    /// The items of each base, largest first, as many as can be told apart.
    private func tiles(_ folder: String) -> [Treemap.Group] {
        var items: [String: [ReportItem]] = [:]
        for item in report.items {
            items[item.base?.key ?? (item.holding.form == .checkpoint ? "checkpoint" : ""), default: []].append(item)
        }
        let bases = report.bases
        let most = max(20, 1200 / max(1, bases.count))
        return bases.map { group in
            let all = items[group.key] ?? []
            var tiles = all.prefix(most).map { item in
                Quantity(
                    name: shortName(item, folder), value: item.chain.storedBytes,
                    text: ByteSize.text(item.chain.storedBytes))
            }
            let rest = all.dropFirst(most).reduce(0) { $0 + $1.chain.storedBytes }
            if rest > 0 {
                tiles.append(
                    Quantity(name: "\(all.count - most) more", value: rest, text: ByteSize.text(rest)))
            }
            return Treemap.Group(name: group.label, text: ByteSize.text(group.storedBytes), tiles: tiles)
        }
    }

    private func item(_ item: ReportItem, _ folder: String) -> SavingsPage.Item {
        let chain = item.chain
        let saved = chain.logicalBytes - chain.storedBytes
        let savings = chain.savings
        return SavingsPage.Item(
            name: shortName(item, folder) + (chain.names > 1 ? " and \(chain.names - 1) more" : ""),
            method: item.method,
            base: item.base?.label ?? "", date: CalendarDate(nanoseconds: item.added).text,
            numbers: [
                (chain.storedBytes, ByteSize.text(chain.storedBytes)),
                (chain.logicalBytes, ByteSize.text(chain.logicalBytes)), (saved, ReportText.signed(saved)),
            ] + Savings.Cause.allCases.map { (savings[$0], ReportText.signed(savings[$0])) })
    }
}
