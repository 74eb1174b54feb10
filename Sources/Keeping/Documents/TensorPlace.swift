/// Where a tensor stands in a model, as far as its name tells.
struct TensorPlace: Hashable, Sendable {
    /// What stands before the number of the layer.
    let stem: String
    /// The first component of the name that is a number.
    let layer: String
    /// What comes after it; the whole name where there is no such number.
    let module: String

    init(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let number = parts.firstIndex(where: { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            number + 1 < parts.count
        else {
            (stem, layer, module) = ("", "", name)
            return
        }
        stem = parts[..<number].joined(separator: ".")
        layer = String(parts[number])
        let rest = parts[(number + 1)...].joined(separator: ".")
        module = rest.hasSuffix(".weight") ? String(rest.dropLast(".weight".count)) : rest
    }

    var hasLayer: Bool { !layer.isEmpty }

    /// By stem, then by the layer as a number.
    static func precedes(_ a: TensorPlace, _ b: TensorPlace) -> Bool {
        if a.stem != b.stem { return a.stem < b.stem }
        if a.layer.utf8.count != b.layer.utf8.count { return a.layer.utf8.count < b.layer.utf8.count }
        return a.layer < b.layer
    }
}
