package import Adapters
package import Diagnostics

extension ModelShapes {
    /// Looks whether what a config asks of layers means any of them: an option that does nothing is a mistake.
    ///
    /// Throws ``Failure/Code/usage`` with the nearest names for target modules and keys of patterns that match nothing, and
    /// for layers that are not there.
    package func check(
        _ parameters: Parameters, of method: any TrainableMethod, layers: Int
    ) throws(Failure) {
        let chosen = parameters["layers_to_transform"].map { $0.list ?? [$0] } ?? []
        if let stray = chosen.first(where: { $0 != .null && !isLayer($0, of: layers) }) {
            throw Failure(
                .usage, "the base has no such layer", object: "layers_to_transform", expected: "0 to \(layers - 1)",
                actual: stray.summary)
        }
        do throws(Failure) {
            guard parameters["target_modules"] != nil, let modules = method.targetPaths(in: self) else { return }
            let targets = try TargetModules(parameters)
            try targets.check(modules)
            let paths = modules.filter(targets.contains)
            for key in ["rank_pattern", "alpha_pattern"] {
                for member in parameters[key]?.map ?? [] { try check(member.key, of: key, in: paths) }
            }
        } catch {
            throw error.asUsage
        }
    }

    private func isLayer(_ value: ParameterValue, of layers: Int) -> Bool {
        value.int.map { (0..<layers).contains($0) } ?? false
    }

    private func check(_ pattern: String, of key: String, in paths: [String]) throws(Failure) {
        let matching = try ModulePattern(pattern)
        guard !paths.contains(where: matching.matches) else { return }
        throw Failure(
            .usage, "no layer that is adapted matches this key of \(key)", object: pattern,
            expected: TargetModules.nearest(to: pattern, in: paths).joined(separator: ", "))
    }
}

extension Failure {
    /// As the fault of whoever gave the options, where it is one of the values in a config.
    package var asUsage: Failure {
        guard [.badParameter, .configInvalid].contains(code) else { return self }
        var failure = self
        failure.code = .usage
        return failure
    }
}
