/// A table whose cells are colored by their values: layers down, modules across.
struct HeatMap: Sendable {
    struct Cell: Sendable {
        let text: String
        /// From 0, nothing, to 9.
        let heat: Int
        /// Which row of the list of tensors tells more.
        let tensor: Int
    }

    private var rows: [String] = []
    private var columns: [String] = []
    private var cells: [Place: Cell] = [:]
    private var rowNumbers: [String: Int] = [:]
    private var columnNumbers: [String: Int] = [:]

    private struct Place: Hashable {
        let row: Int
        let column: Int
    }

    let caption: String
    /// What the first column holds.
    let rowTitle: String

    init(caption: String, rowTitle: String) {
        self.caption = caption
        self.rowTitle = rowTitle
    }

    var isEmpty: Bool { cells.isEmpty }

    mutating func set(_ cell: Cell, row: String, column: String) {
        let place = Place(
            row: Self.number(row, &rows, &rowNumbers), column: Self.number(column, &columns, &columnNumbers))
        cells[place] = cell
    }

    private static func number(_ name: String, _ names: inout [String], _ numbers: inout [String: Int]) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }

    /// One cell can be reached with the tabulator, all others from there with the arrow keys.
    var html: String {
        // Names that fall into no layers would make a map of almost nothing but gaps.
        guard rows.count * columns.count <= 20_000 else {
            return "<p>\(caption.escapedForMarkup): a map of \(rows.count) by \(columns.count) would be too large. "
                + "All tensors are in the list below.</p>\n"
        }
        var text =
            "<div class=\"wide\"><table class=\"map\" role=\"grid\"><caption>\(caption.escapedForMarkup)</caption>\n"
        text += "<thead><tr><th scope=\"col\">\(rowTitle.escapedForMarkup)</th>"
        for column in columns { text += "<th scope=\"col\"><span>\(column.escapedForMarkup)</span></th>" }
        text += "</tr></thead>\n<tbody>\n"
        var isFirst = true
        for (row, name) in rows.enumerated() {
            text += "<tr><th scope=\"row\">\(name.escapedForMarkup)</th>"
            for column in columns.indices {
                guard let cell = cells[Place(row: row, column: column)] else {
                    text += "<td></td>"
                    continue
                }
                text += "<td tabindex=\"\(isFirst ? 0 : -1)\" data-t=\"\(cell.tensor)\" class=\"h\(cell.heat)\">"
                text += "\(cell.text.escapedForMarkup)</td>"
                isFirst = false
            }
            text += "</tr>\n"
        }
        return text + "</tbody></table></div>\n"
    }

    /// A power of ten for two levels, up to 1, which is the last.
    static func heat(of value: Double) -> Int {
        guard value > 0 else { return 0 }
        var (left, heat) = (value, 9)
        while left < 1, heat > 1 {
            left *= 3.1622776601683795
            heat -= 1
        }
        return heat
    }
}
