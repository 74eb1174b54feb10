/// A page about what is stored and what that saves: what it shows is given as text and numbers.
package struct SavingsPage: Sendable {
    package struct Item: Sendable {
        package let name: String
        package let method: String
        package let base: String
        package let date: String
        /// Stored, as full copies, saved, and by each cause: what to sort by, and what to show.
        package let numbers: [(value: Int, text: String)]

        package init(name: String, method: String, base: String, date: String, numbers: [(value: Int, text: String)]) {
            self.name = name
            self.method = method
            self.base = base
            self.date = date
            self.numbers = numbers
        }
    }

    /// What is to be mended for one reason.
    package struct AdviceGroup: Sendable {
        package let title: String
        /// How much it is.
        package let summary: String
        /// Most first.
        package let list: [Advice]

        package init(title: String, summary: String, list: [Advice]) {
            self.title = title
            self.summary = summary
            self.list = list
        }
    }

    package struct Advice: Sendable {
        package let name: String
        package let reason: String
        /// Empty where it is not known.
        package let saves: String
        package let command: String

        package init(name: String, reason: String, saves: String, command: String) {
            self.name = name
            self.reason = reason
            self.saves = saves
            self.command = command
        }
    }

    package var title: String
    package var facts: [(name: String, value: String)]
    /// The reasons of savings, in the order of the bars' parts after the first, which is what is stored.
    package var causes: [String] = []
    package var bars: [StackedBar] = []
    package var groups: [Treemap.Group] = []
    package var points: [Timeline.Point] = []
    /// Largest first.
    package var items: [Item] = []
    package var advice: [AdviceGroup] = []
    package var broken: [String] = []

    package init(title: String, facts: [(name: String, value: String)]) {
        self.title = title
        self.facts = facts
    }

    package var html: String {
        Page(title: title, body: body, style: SavingsStyle.style, script: SavingsStyle.script).html
    }

    /// How many are listed of each group of what is to be mended: a page is to be opened at once.
    private static let mostAdvice = 100

    private var body: String {
        var text = "<main>\n<h1>\(title.escapedForMarkup)</h1>\n<dl class=\"facts\">\n"
        for fact in facts {
            text += "<div><dt>\(fact.name.escapedForMarkup)</dt><dd>\(fact.value.escapedForMarkup)</dd></div>\n"
        }
        text += "</dl>\n" + stacks
        let map = Treemap(groups).svg(label: "What is stored, by base")
        if !map.isEmpty { text += "<h2>Where it is</h2>\n<div class=\"wide\">\(map)</div>\n" }
        let line = Timeline(points).svg(label: "What is stored")
        if !line.isEmpty { text += "<h2>How it grew</h2>\n<div class=\"wide\">\(line)</div>\n" }
        return text + mending + unread + list + "</main>"
    }

    private var stacks: String {
        let drawn = bars.filter { !$0.svg.isEmpty }
        guard !drawn.isEmpty else { return "" }
        var text = "<h2>Full copies: what is stored, and what saves the rest</h2>\n<ul class=\"key\">"
        for (number, name) in (["stored"] + causes).enumerated()
        where drawn.contains(where: { $0.parts.indices.contains(number) && $0.parts[number].value > 0 }) {
            text +=
                "<li><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"c\(number)\" width=\"1\" height=\"1\"/></svg>"
            text += "\(name.escapedForMarkup)</li>"
        }
        text += "</ul>\n<div class=\"bars\">\n"
        for bar in drawn {
            text += "<span>\(bar.label.escapedForMarkup)</span>\(bar.svg)\n"
        }
        return text + "</div>\n"
    }

    private var mending: String {
        guard !advice.isEmpty else { return "" }
        var text = "<h2>To mend</h2>\n"
        for group in advice {
            text +=
                "<details><summary><b>\(group.title.escapedForMarkup)</b> \(group.summary.escapedForMarkup)</summary>\n"
            text += "<ul class=\"mend\">\n"
            for one in group.list.prefix(Self.mostAdvice) {
                text += "<li>\(one.name.escapedForMarkup): \(one.reason.escapedForMarkup)"
                if !one.saves.isEmpty { text += ", saves \(one.saves.escapedForMarkup)" }
                text += "<code tabindex=\"0\">\(one.command.escapedForMarkup)</code></li>\n"
            }
            text += "</ul>\n"
            let rest = group.list.count - Self.mostAdvice
            text += (rest > 0 ? "<p>and \(rest) more</p>\n" : "") + "</details>\n"
        }
        return text
    }

    private var unread: String {
        guard !broken.isEmpty else { return "" }
        var text = "<h2>Could not be read</h2>\n<ul class=\"mend\">\n"
        for line in broken.prefix(Self.mostAdvice) { text += "<li>\(line.escapedForMarkup)</li>\n" }
        return text + "</ul>\n"
    }

    /// Every item, to be sorted by any column.
    private var list: String {
        guard !items.isEmpty else { return "" }
        var text = "<h2>All items</h2>\n<section id=\"detail\" aria-live=\"polite\" aria-label=\"The chosen item\">"
        text += "<p>Choose a row, with the arrow keys too: all that is known of it stands here.</p></section>\n"
        text += "<div class=\"wide\"><table id=\"items\"><thead><tr>"
        let columns = ["item", "method", "base", "since", "stored", "as copies", "saved"] + causes
        for (number, name) in columns.enumerated() {
            let sorted = name == "stored" ? " aria-sort=\"descending\"" : ""
            let hidden = number > 6 ? " class=\"more\"" : ""
            text += "<th scope=\"col\"\(sorted)\(hidden)><button type=\"button\">\(name.escapedForMarkup)</button></th>"
        }
        text += "</tr></thead>\n<tbody>\n"
        for (number, item) in items.enumerated() {
            text += "<tr tabindex=\"\(number == 0 ? 0 : -1)\"><th scope=\"row\">\(item.name.escapedForMarkup)</th>"
            for cell in [item.method, item.base, item.date] { text += "<td>\(cell.escapedForMarkup)</td>" }
            for number in item.numbers { text += "<td data-v=\"\(number.value)\">\(number.text.escapedForMarkup)</td>" }
            text += "</tr>\n"
        }
        return text + "</tbody></table></div>\n"
    }
}
