import Adapters
package import Architectures
package import Diagnostics

extension TuningPlan {
    /// What is to be told of one key of the config: each of its patterns that is for no target, or that none of the figures
    /// would be another without the key.
    package func findings(on key: String, in architecture: Architecture) throws(Failure) -> [Finding] {
        let unused = try method.unusedPatterns(key, in: architecture, parameters)
        if !unused.isEmpty {
            let what = key.hasSuffix("_pattern") ? String(key.dropLast("_pattern".count)) : key
            return unused.map { Finding("pattern-unused", "no module takes its \(what) from this pattern", object: $0) }
        }
        var without = parameters
        without[key] = method.standard[key]
        // What is no config without the key needs it.
        guard let other = try? method.size(in: architecture, without), other == size else { return [] }
        return [Finding("setting-unused", "none of the figures depends on this setting", object: key)]
    }

    /// What is to be told of rows that are longer than the model has places for.
    package static func findings(on length: Int, in architecture: Architecture) -> [Finding] {
        guard let most = architecture.maximumLength, length > most else { return [] }
        return [
            Finding(
                "beyond-positions", "rows of \(length) tokens are longer than the model's \(most) positions",
                object: architecture.modelType)
        ]
    }
}
