import Diagnostics
import Packaging

/// A report as Markdown that fits the summary of a CI job: tables, and bars drawn in characters.
package struct ReportMarkdown: Sendable {
    let report: StorageReport
    let price: StoragePrice
    let comparison: BaselineComparison?

    /// What such summaries may have at most.
    package static let mostBytes = 1 << 20
    private static let rows = 50

    package init(_ report: StorageReport, price: StoragePrice, comparison: BaselineComparison? = nil) {
        self.report = report
        self.price = price
        self.comparison = comparison
    }

    /// At most ``mostBytes``: where names are so long that it would be more, fewer rows are shown.
    package var text: String {
        var rows = Self.rows
        while true {
            let text = text(rows: rows)
            if text.utf8.count <= Self.mostBytes || rows == 0 { return text }
            rows /= 2
        }
    }

    private func text(rows: Int) -> String {
        let total = report.total
        let share = total.logicalBytes == 0 ? 0 : Double(total.savedBytes) / Double(total.logicalBytes)
        var text = """
            ## Storage report

            **\(ByteSize.text(total.storedBytes))** stored in place of **\(ByteSize.text(total.logicalBytes))** as full \
            copies: \(share.percent) saved, \(price.monthly(total.storedBytes).cents) a month in place of \
            \(price.monthly(total.logicalBytes).cents).


            """
        if let comparison {
            text += (comparison.isWithin ? "" : "**Too much growth.** ") + Self.escaped(comparison.line) + "\n\n"
        }
        if report.withoutCopy > 0 {
            text +=
                "Of \(report.withoutCopy) the base's size is not known: nothing is counted for them as a full copy.\n\n"
        }
        text += Self.table(
            ["saved by", "bytes", ""],
            Savings.Cause.allCases.map { cause in
                let bytes = total.savings[cause]
                return [cause.title, ReportText.signed(bytes), Self.bar(bytes, of: Self.most(total.savings))]
            })
        text += groups("base", report.bases, rows)
        text += groups("method", report.methods, rows)
        let most = report.items.first?.chain.storedBytes ?? 0
        text += Self.table(
            ["item", "method", "stored", "as copies", "a month", ""],
            report.items.prefix(rows).map { item in
                [
                    Self.escaped(item.name), Self.escaped(item.method), ByteSize.text(item.chain.storedBytes),
                    ByteSize.text(item.chain.logicalBytes), price.monthly(item.chain.storedBytes).cents,
                    Self.bar(item.chain.storedBytes, of: most),
                ]
            }, more: report.items.count - rows)
        text += Self.table(
            ["to mend", "item", "why", "saves", "command"],
            report.advice.prefix(rows).map { one in
                [
                    one.sort.title, Self.escaped(one.name), Self.escaped(one.reason),
                    one.saves.map(ByteSize.text) ?? "", Self.code(one.command),
                ]
            }, more: report.advice.count - rows)
        text += Self.table(
            ["could not be read"],
            report.broken.prefix(rows).map { [Self.escaped($0.failure.at(path: $0.path).description)] },
            more: report.broken.count - rows)
        return text
    }

    private func groups(_ title: String, _ groups: [ReportGroup], _ rows: Int) -> String {
        let most = groups.first?.storedBytes ?? 0
        return Self.table(
            [title, "items", "stored", "as copies", "a month", ""],
            groups.prefix(rows).map { group in
                [
                    Self.escaped(group.label), "\(group.count)", ByteSize.text(group.storedBytes),
                    ByteSize.text(group.logicalBytes), price.monthly(group.storedBytes).cents,
                    Self.bar(group.storedBytes, of: most),
                ]
            }, more: groups.count - rows)
    }

    // MARK: Markup

    private static func table(_ head: [String], _ rows: [[String]], more: Int = 0) -> String {
        guard !rows.isEmpty else { return "" }
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
        return line(head) + line(head.map { _ in "---" }) + rows.map(line).joined()
            + (more > 0 ? "\nand \(more) more\n" : "") + "\n"
    }

    private static func most(_ savings: Savings) -> Int {
        Savings.Cause.allCases.map { Int(savings[$0].magnitude) }.max() ?? 0
    }

    private static func bar(_ bytes: Int, of most: Int) -> String {
        guard most > 0, bytes > 0 else { return "" }
        return String(repeating: "█", count: Int((Double(bytes) / Double(most) * 20).rounded(.up)))
    }

    /// As text that neither Markdown nor the HTML within it takes for markup.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.escapedForTerminal.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\\", "|", "*", "_", "`", "[", "]", "(", ")", "!", "#", "~", "$", "@", ":":
                result += "&#\(scalar.value);"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A span of code, whose bars would else end a cell.
    private static func code(_ text: String) -> String { "<code>\(escaped(text))</code>" }
}
