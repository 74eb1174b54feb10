import Diagnostics
import Packaging

/// A report as lines for a terminal.
package struct ReportText: Sendable {
    let report: StorageReport
    let price: StoragePrice
    let comparison: BaselineComparison?
    /// How many columns a line may have; tables of names may be wider.
    let width: Int
    let usesColor: Bool
    /// Whether every item is listed, not only the largest.
    let listsAll: Bool

    /// How many of each list are shown unless all are asked for.
    package static let usualCount = 20

    package init(
        _ report: StorageReport, price: StoragePrice, comparison: BaselineComparison? = nil, width: Int = 80,
        usesColor: Bool = false, listsAll: Bool = false
    ) {
        self.report = report
        self.price = price
        self.comparison = comparison
        self.width = max(40, min(width, 200))
        self.usesColor = usesColor
        self.listsAll = listsAll
    }

    package var lines: [String] {
        var lines = summary
        if report.total.count > 0 {
            lines += causes
            lines += table("base", report.bases.map(Row.init))
            lines += table("method", report.methods.map(Row.init))
            lines += table(report.items.count == 1 ? "item" : "item, largest first", report.items.map(Row.init))
        }
        if report.growth.count > 1 { lines += growth }
        lines += advice
        lines += list("could not be read", report.broken.map { $0.failure.at(path: $0.path).description })
        lines += others
        if let comparison { lines += ["", comparison.line] }
        return lines
    }

    // MARK: Over all

    private var summary: [String] {
        let total = report.total
        let names = total.nameCount == total.count ? "" : " under \(total.nameCount) names"
        var lines = [
            "\(total.count) \(total.count == 1 ? "item" : "items")\(names): \(ByteSize.text(total.storedBytes)) stored, "
                + "\(ByteSize.text(total.logicalBytes)) as full copies\(share(total))",
            "\(price.monthly(total.storedBytes).cents) a month in place of "
                + "\(price.monthly(total.logicalBytes).cents), at \(price.perGB.dollars) per GB",
        ]
        if report.withoutCopy > 0 {
            lines.append(
                "\(report.withoutCopy) count as no more than themselves: the size of their base is not known (--base)")
        }
        return lines
    }

    private func share(_ group: ReportGroup) -> String {
        group.logicalBytes == 0
            ? "" : ": saved \((Double(group.savedBytes) / Double(group.logicalBytes)).percent)"
    }

    private var causes: [String] {
        let savings = report.total.savings
        let most = Savings.Cause.allCases.map { savings[$0].magnitude }.max() ?? 0
        guard most > 0 else { return [] }
        let room = max(8, width - 16 - 24)
        return ["", "saved by"]
            + Savings.Cause.allCases.map { cause in
                let bytes = savings[cause]
                let bar = self.bar(Double(bytes.magnitude) / Double(most), room: room, of: bytes < 0 ? "░" : "█")
                return "  " + Self.padded(cause.title, 14) + Self.padded(Self.signed(bytes), 12, right: true) + "  "
                    + bar
            }
            + ["  " + Self.padded("together", 14) + Self.padded(Self.signed(savings.total), 12, right: true)]
    }

    private func bar(_ share: Double, room: Int, of character: String = "█") -> String {
        let full = min(room, Int((share * Double(room)).rounded(.up)))
        let text = String(repeating: character, count: full)
        return usesColor && full > 0 ? "\u{1B}[36m\(text)\u{1B}[0m" : text
    }

    private var growth: [String] {
        let points = report.growth
        let shown = points.suffix(listsAll ? points.count : 12)
        let most = points.last?.storedBytes ?? 0
        let room = max(8, width - 40)
        return ["", "stored by the end of"]
            + shown.map { point in
                "  " + Self.padded(point.date, 12) + Self.padded(ByteSize.text(point.storedBytes), 12, right: true)
                    + "  " + bar(most == 0 ? 0 : Double(point.storedBytes) / Double(most), room: room)
            }
    }

    // MARK: Tables

    private struct Row {
        let label: String
        let count: Int
        let logical: Int
        let stored: Int

        init(_ group: ReportGroup) {
            (label, count) = (group.label, group.count)
            (logical, stored) = (group.logicalBytes, group.storedBytes)
        }

        init(_ item: ReportItem) {
            label = item.name + (item.chain.names > 1 ? " and \(item.chain.names - 1) more" : "")
            count = 1
            (logical, stored) = (item.chain.logicalBytes, item.chain.storedBytes)
        }
    }

    private func table(_ title: String, _ rows: [Row]) -> [String] {
        guard !rows.isEmpty else { return [] }
        let shown = listsAll ? rows[...] : rows.prefix(Self.usualCount)
        let hasCounts = rows.contains { $0.count > 1 }
        let most = rows.map(\.stored).max() ?? 0
        let room = max(4, min(24, width - 60))
        func line(_ stored: String, _ copies: String, _ share: String, _ month: String, _ rest: String) -> String {
            "  " + [stored, copies].map { Self.padded($0, 10, right: true) }.joined(separator: " ")
                + Self.padded(share, 10, right: true) + Self.padded(month, 10, right: true) + "  " + rest
        }
        var lines = ["", line("stored", "as copies", "saved", "a month", title)]
        for row in shown {
            let saved = row.logical == 0 ? "-" : (1 - Double(row.stored) / Double(row.logical)).percent
            let count = hasCounts ? " (\(row.count))" : ""
            let full = most == 0 ? 0 : Int((Double(row.stored) / Double(most) * Double(room)).rounded(.up))
            lines.append(
                line(
                    ByteSize.text(row.stored), ByteSize.text(row.logical), saved,
                    price.monthly(row.stored).cents,
                    bar(Double(full) / Double(room), room: room) + String(repeating: " ", count: room - full) + " "
                        + (row.label + count).escapedForTerminal))
        }
        return lines + Self.more(rows.count - shown.count)
    }

    // MARK: Lists

    private var advice: [String] {
        guard !report.advice.isEmpty else { return [] }
        var lines = ["", "to mend"]
        for sort in Advice.Sort.allCases {
            let all = report.advice.filter { $0.sort == sort }
            guard !all.isEmpty else { continue }
            let saves = all.compactMap(\.saves).reduce(0, +)
            lines.append("  \(sort.title): \(all.count)" + (saves > 0 ? ", \(ByteSize.text(saves))" : ""))
            for one in listsAll ? all[...] : all.prefix(3) {
                let size = one.saves.map { ", \(ByteSize.text($0))" } ?? ""
                lines.append("    \(one.name): \(one.reason)\(size)".escapedForTerminal)
                lines.append("      \(one.command)".escapedForTerminal)
            }
            if !listsAll { lines += Self.more(all.count - 3).map { "  " + $0 } }
        }
        return lines
    }

    private func list(_ title: String, _ lines: [String]) -> [String] {
        guard !lines.isEmpty else { return [] }
        let shown = listsAll ? lines[...] : lines.prefix(Self.usualCount)
        return ["", title] + shown.map { "  " + $0 } + Self.more(lines.count - shown.count)
    }

    private var others: [String] {
        guard !report.others.isEmpty else { return [] }
        let bytes = report.others.reduce(0) { $0 + min($1.bytes, SizeChain.mostBytes) }
        let count = report.others.count
        return list(
            "not looked at: \(count) \(count == 1 ? "file" : "files"), \(ByteSize.text(bytes))",
            (listsAll ? report.others : Array(report.others.prefix(3))).map {
                "\($0.path): \($0.sort)".escapedForTerminal
            })
            + (listsAll ? [] : Self.more(count - 3))
    }

    private static func more(_ count: Int) -> [String] { count > 0 ? ["  and \(count) more: --all lists them"] : [] }

    // MARK: Text

    static func padded(_ text: String, _ width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return right ? space + text : text + space
    }

    static func signed(_ bytes: Int) -> String { (bytes < 0 ? "-" : "") + ByteSize.text(Int(bytes.magnitude)) }
}

extension Double {
    /// A sum of money: "$12.30", "<$0.01".
    var cents: String { self == 0 ? "$0" : self < 0.005 ? "<$0.01" : "$" + text(decimals: 2) }

    /// A price, with as many decimals as small amounts need: "$1234.50", "$0.023", "$0.00012".
    var dollars: String {
        if self == 0 { return "$0" }
        if self >= 1 { return "$" + text(decimals: 2) }
        var decimals = 2
        var scaled = self * 100
        while scaled < 9.5, decimals < 9 {
            scaled *= 10
            decimals += 1
        }
        return "$" + text(decimals: decimals)
    }
}
