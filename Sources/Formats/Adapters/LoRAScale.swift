package import Diagnostics
import Tensors

extension Adapter {
    /// The factor s of ΔW = s·B·A in an entry of kind `lora`: α/r, or α/√r with `use_rslora`.
    ///
    /// α is that of `alpha_pattern` where the module's path matches, else `lora_alpha` (8 where it is absent); r is the rank
    /// that A has.
    ///
    /// Throws ``Failure/Code/badParameter`` for an α that is no number, ``Failure/Code/kindShape`` for an entry without A.
    package func loraScale(of entry: AdapterEntry) throws(Failure) -> Double {
        guard let rank = entry[.a]?.shape.dimensions.first, rank > 0 else {
            throw Failure(.kindShape, "a lora entry has no rank", object: entry.key.target)
        }
        let path = entry.modulePath
        let value = try parameters["alpha_pattern"]?.value(forModule: path) ?? parameters["lora_alpha"] ?? .int(8)
        guard let alpha = value.double, alpha.isFinite else {
            throw Failure(.badParameter, "alpha is no number", object: path, actual: value.summary)
        }
        let isRankStabilized = parameters["use_rslora"]?.bool == true
        return isRankStabilized ? alpha / Double(rank).squareRoot() : alpha / Double(rank)
    }
}

extension AdapterEntry {
    /// The path of the module that an entry adapts: the target without its last component, unless `module` says otherwise.
    package var modulePath: String {
        if let module = parameters["module"]?.string { return module }
        for suffix in [".weight", ".bias"] where key.target.hasSuffix(suffix) {
            return String(key.target.dropLast(suffix.count))
        }
        return key.target
    }
}
