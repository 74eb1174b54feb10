/// A sum that grows, day by day, as an SVG picture of steps.
package struct Timeline: Sendable {
    package struct Point: Sendable {
        package let label: String
        /// Since any day.
        package let day: Int
        package let value: Int
        /// The value for people.
        package let text: String

        package init(label: String, day: Int, value: Int, text: String) {
            self.label = label
            self.day = day
            self.value = value
            self.text = text
        }
    }

    /// In the order of their days.
    package let points: [Point]

    package init(_ points: [Point]) {
        self.points = points
    }

    private static let (left, width, height, top) = (5.0, 990.0, 200.0, 20.0)

    /// Empty for fewer than two points, or where none is above zero.
    package func svg(label: String) -> String {
        guard let first = points.first, let last = points.last, points.count > 1, last.day > first.day,
            let most = points.map(\.value).max(), most > 0
        else { return "" }
        func x(_ point: Point) -> Double {
            Self.left + Double(point.day - first.day) / Double(last.day - first.day) * Self.width
        }
        func y(_ point: Point) -> Double {
            Self.height - Double(max(0, point.value)) / Double(most) * (Self.height - Self.top)
        }
        var line = "M\(x(first).tenths) \(y(first).tenths)"
        for point in points.dropFirst() { line += "H\(x(point).tenths)V\(y(point).tenths)" }
        let area = line + "V\(Self.height.tenths)H\(x(first).tenths)z"
        let said = "\(label): \(first.text) on \(first.label), \(last.text) on \(last.label)"
        var text =
            "<svg class=\"line\" viewBox=\"0 0 1000 230\" role=\"img\" aria-label=\"\(said.escapedForMarkup)\">"
            + "<path class=\"area\" d=\"\(area)\"/><path class=\"edge\" d=\"\(line)\"/>"
        for point in points {
            text += "<circle cx=\"\(x(point).tenths)\" cy=\"\(y(point).tenths)\" r=\"4\">"
            text += "<title>\("\(point.label): \(point.text)".escapedForMarkup)</title></circle>"
        }
        text += "<text x=\"0\" y=\"222\">\(first.label.escapedForMarkup)</text>"
        text += "<text x=\"1000\" y=\"222\" text-anchor=\"end\">\(last.label.escapedForMarkup)</text>"
        text += "<text x=\"1000\" y=\"14\" text-anchor=\"end\">\(last.text.escapedForMarkup)</text>"
        return text + "</svg>"
    }
}
