/// Parts of a whole, one after the other, as an SVG picture.
package struct StackedBar: Sendable {
    package let label: String
    /// Each is colored by its place in the list.
    package let parts: [Quantity]

    package init(label: String, parts: [Quantity]) {
        self.label = label
        self.parts = parts
    }

    private static let width = 1000.0

    /// As wide as what it stands in; empty where no part is above zero.
    package var svg: String {
        let total = parts.reduce(0.0) { $0 + Double(max(0, $1.value)) }
        guard total > 0 else { return "" }
        let said = parts.filter { $0.value != 0 }.map { "\($0.name) \($0.text)" }.joined(separator: ", ")
        var text =
            "<svg class=\"bar\" viewBox=\"0 0 1000 24\" preserveAspectRatio=\"none\" role=\"img\" "
            + "aria-label=\"\("\(label): \(said)".escapedForMarkup)\">"
        var x = 0.0
        for (number, part) in parts.enumerated() where part.value > 0 {
            let width = Double(part.value) / total * Self.width
            text += "<rect class=\"c\(number)\" x=\"\(x.tenths)\" width=\"\(width.tenths)\" height=\"24\">"
            text += "<title>\("\(part.name): \(part.text)".escapedForMarkup)</title></rect>"
            x += width
        }
        return text + "</svg>"
    }
}

extension Double {
    /// With one decimal at most, as coordinates need no more.
    var tenths: String {
        let scaled = Int((self * 10).rounded())
        return scaled % 10 == 0 ? "\(scaled / 10)" : "\(scaled / 10).\((scaled % 10).magnitude)"
    }
}
