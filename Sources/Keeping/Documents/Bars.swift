/// A few numbers that fall, as a small SVG picture of bars on a logarithmic scale of four decades.
package struct Bars: Sendable {
    package let values: [Double]

    package init(_ values: [Double]) {
        self.values = values
    }

    private static let width = 160
    private static let height = 40

    /// Empty where there is no number above zero. `label` says what it shows to those who do not see it.
    package func svg(label: String) -> String {
        guard let most = values.max(), most > 0, most.isFinite else { return "" }
        let step = max(1, Self.width / max(values.count, 8))
        var path = ""
        for (index, value) in values.enumerated() {
            let height = Self.height(of: value / most)
            if height > 0 { path += "M\(index * step) \(Self.height)v-\(height)h\(max(1, step - 1))v\(height)z" }
        }
        return """
            <svg viewBox="0 0 \(Self.width) \(Self.height)" role="img" aria-label="\(label.escapedForMarkup)">\
            <path d="\(path)"/></svg>
            """
    }

    /// Of a bar for a share of the largest: a quarter for each power of ten, found by counting tenths of them.
    private static func height(of share: Double) -> Int {
        var (left, height) = (share, Self.height)
        while left < 1, height > 0 {
            left *= 1.2589254117941673
            height -= 1
        }
        return height
    }
}
