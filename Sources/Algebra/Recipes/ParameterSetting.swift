import Diagnostics

/// What a recipe says of a parameter at one place: a value, a gradient over the layers, or one for each of some filters.
struct ParameterSetting: Sendable {
    struct Case: Sendable {
        /// Part of the names it is for; nil for all.
        let filter: String?
        /// Numbers, true being 1: one that holds everywhere, or several along the layers.
        let values: [Double]
        let line: Int
    }

    struct Value: Sendable {
        let number: Double
        /// Where it is written.
        let line: Int
        /// The filter that it stands behind; nil where it is for all.
        let filter: FilterPlace?
    }

    /// A filter, and where it stands.
    struct FilterPlace: Hashable, Sendable {
        let name: String
        let filter: String
        let line: Int
    }

    /// The parameter's name.
    let name: String

    let cases: [Case]
    /// Whether the values are true and false, between which there is nothing.
    let isFlag: Bool
    let line: Int

    /// What it says of a tensor, if anything.
    ///
    /// - Parameter position: Where its layer lies among those of its slice, from 0 to 1.
    func value(for tensor: String, at position: Double) -> Value? {
        for one in cases {
            guard one.filter.map({ Self.matches($0, tensor) }) ?? true else { continue }
            guard !one.values.isEmpty else { return nil }
            return Value(number: interpolated(one.values, at: position), line: one.line, filter: place(of: one))
        }
        return nil
    }

    /// Its filters that are not for all tensors.
    var filterPlaces: [FilterPlace] { cases.compactMap { place(of: $0) } }

    private func place(of one: Case) -> FilterPlace? {
        guard let filter = one.filter, !Self.isForAll(filter) else { return nil }
        return FilterPlace(name: name, filter: filter, line: one.line)
    }

    private static func isForAll(_ filter: String) -> Bool { filter == "*" || filter.isEmpty }

    private static func matches(_ filter: String, _ tensor: String) -> Bool {
        isForAll(filter) || Array(tensor.utf8).contains(Array(filter.utf8))
    }

    /// (1 − f)·v_k + f·v_(k+1), where f is what y = x·g exceeds k = ⌊y⌋ by: `Spec/merge.md`.
    private func interpolated(_ values: [Double], at position: Double) -> Double {
        let y = position * Double(values.count - 1)
        let k = min(max(0, Int(y)), values.count - 1)
        if isFlag { return values[k] }
        let f = y - Double(k)
        return (1 - f) * values[k] + f * values[min(k + 1, values.count - 1)]
    }
}

/// The parameters of one place in a recipe, by name.
struct ParameterTable: Sendable {
    var settings: [String: ParameterSetting] = [:]

    subscript(_ name: String) -> ParameterSetting? { settings[name] }
}
