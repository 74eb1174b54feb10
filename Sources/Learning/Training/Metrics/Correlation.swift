/// How far predicted numbers go with the true ones, from −1 to 1.
package enum Correlation {
    /// Of the numbers themselves (Pearson, 1895): Σ(a − ā)(b − b̄) / √(Σ(a − ā)²·Σ(b − b̄)²). Nil where there are fewer than two
    /// pairs, where one side is constant, or where a number is not finite. `a` and `b` have one length.
    package static func pearson(_ a: [Double], _ b: [Double]) -> Double? {
        precondition(a.count == b.count)
        guard a.count > 1, let x = deviations(a), let y = deviations(b) else { return nil }
        let product = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
        return max(-1, min(1, product))
    }

    /// Of their ranks, where equal ones share the mean of theirs (Spearman, 1904). Nil as ``pearson(_:_:)``.
    package static func spearman(_ a: [Double], _ b: [Double]) -> Double? {
        guard (a + b).allSatisfy(\.isFinite) else { return nil }
        return pearson(ranks(a), ranks(b))
    }

    /// From the mean, scaled to a sum of squares of 1; nil where all are the same or one is not finite.
    private static func deviations(_ values: [Double]) -> [Double]? {
        guard values.contains(where: { $0 != values[0] }) else { return nil }
        let count = Double(values.count)
        var deviations = values
        // The second time takes off what was lost to rounding.
        for _ in 0..<2 {
            let mean = deviations.reduce(0) { $0 + $1 / count }
            deviations = deviations.map { $0 - mean }
        }
        let largest = deviations.reduce(0) { max($0, abs($1)) }
        guard largest > 0, deviations.allSatisfy(\.isFinite) else { return nil }
        let scaled = deviations.map { $0 / largest }
        let norm = scaled.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return scaled.map { $0 / norm }
    }

    private static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
            start = end
        }
        return ranks
    }
}
