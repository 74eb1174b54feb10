/// The losses of a run as an SVG picture: training as a line, evaluations as points.
package enum LossCurve {
    private static let width = 720.0
    private static let height = 360.0
    private static let margin = (left: 56.0, right: 16.0, top: 16.0, bottom: 40.0)

    package static func svg(_ metrics: [TrainingMetrics]) -> String {
        let losses = metrics.map(\.loss) + metrics.compactMap { $0.evaluation?.loss }
        let (least, most) = (losses.min() ?? 0, losses.max() ?? 1)
        let low = least
        let span = max(most - least, 1e-9)
        let last = Double(max(2, metrics.last?.step ?? 2))
        func x(_ step: Int) -> Double {
            margin.left + (width - margin.left - margin.right) * Double(step - 1) / (last - 1)
        }
        func y(_ loss: Double) -> Double {
            margin.top + (height - margin.top - margin.bottom) * (1 - (loss - low) / span)
        }
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 360" role="img" aria-label="Loss by step">
            <style>text{font:12px sans-serif;fill:#555}.axis{stroke:#999}.train{fill:none;stroke:#2a6fdb;stroke-width:1.5}\
            .eval{fill:#d9480f}@media(prefers-color-scheme:dark){text{fill:#bbb}}</style>

            """
        for tick in 0...4 {
            let loss = low + span * Double(tick) / 4
            svg += line(x(1), y(loss), x(Int(last)), y(loss), class: "axis", opacity: 0.3)
            svg += text(margin.left - 8, y(loss) + 4, loss.rounded(to: 3), anchor: "end")
            let step = 1 + Int((last - 1) * Double(tick) / 4)
            svg += text(x(step), height - 20, "\(step)", anchor: "middle")
        }
        svg += text(width / 2, height - 4, "step", anchor: "middle")
        let points = metrics.map { "\(x($0.step).rounded(to: 1)),\(y($0.loss).rounded(to: 1))" }
        svg += "<polyline class=\"train\" points=\"\(points.joined(separator: " "))\"/>\n"
        for one in metrics {
            guard let loss = one.evaluation?.loss else { continue }
            svg +=
                "<circle class=\"eval\" r=\"3.5\" cx=\"\(x(one.step).rounded(to: 1))\" cy=\"\(y(loss).rounded(to: 1))\">"
            svg += "<title>step \(one.step): evaluation \(loss.rounded(to: 4))</title></circle>\n"
        }
        return svg + "</svg>\n"
    }

    private static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String, opacity: Double
    ) -> String {
        let places = [("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)].map { "\($0)=\"\($1.rounded(to: 1))\"" }
        return "<line class=\"\(name)\" opacity=\"\(opacity)\" \(places.joined(separator: " "))/>\n"
    }

    private static func text(_ x: Double, _ y: Double, _ text: String, anchor: String) -> String {
        "<text x=\"\(x.rounded(to: 1))\" y=\"\(y.rounded(to: 1))\" text-anchor=\"\(anchor)\">\(text)</text>\n"
    }
}

extension Double {
    /// With so many digits after the point.
    fileprivate func rounded(to digits: Int) -> String {
        guard isFinite, magnitude < 1e12 else { return "\(self)" }
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        let whole = Int64((magnitude * scale).rounded())
        let fraction = String(whole % Int64(scale))
        let sign = self < 0 && whole != 0 ? "-" : ""
        guard digits > 0 else { return sign + "\(whole)" }
        return sign + "\(whole / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
