package import Adapters
package import Diagnostics
package import Kernels
package import Layers

/// The norms of the base, trained whole: ``Method/lnTuning``.
package struct LNTuning: TrainableMethod {
    package let word = "ln-tuning"
    package let method = Method.lnTuning
    package let learningRate = 1e-3
    /// Without target modules every norm is meant.
    package let standard: Parameters = [:]
    package let kinds: [Kind] = [.full]

    package init() {}

    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(["target_modules", "exclude_modules", "task_type"])
        let norms = sites.norms
        let chosen: [BaseParameter<R>]
        if let entries = plan.entries {
            let held = Set(entries.map(\.key.target))
            chosen = norms.filter { held.contains($0.name) }
        } else if plan.parameters["target_modules"] == nil {
            chosen = norms
        } else {
            let targets = try TargetModules(plan.parameters)
            chosen = norms.filter { targets.contains($0.modulePath) }
        }
        guard !chosen.isEmpty else {
            throw Failure(
                .usage, "the target modules mean no norm of the base",
                expected: Self.names(norms).joined(separator: ", "))
        }
        var inserted = try Inserted<R>.base(chosen, kind: .full, plan)
        if plan.entries == nil, plan.parameters["target_modules"] == nil {
            inserted.parameters["target_modules"] = .list(Self.names(chosen).map { .string($0) })
        }
        return inserted
    }

    package func targetPaths(in shapes: ModelShapes) -> [String]? { shapes.norms.map(\.path) }

    private static func names<R: Real>(_ norms: [BaseParameter<R>]) -> [String] {
        Set(norms.map { $0.modulePath.split(separator: ".").last.map(String.init) ?? "" }).sorted()
    }
}

extension BaseParameter {
    /// The path of its module: its name without the last component.
    fileprivate var modulePath: String { name.split(separator: ".").dropLast().joined(separator: ".") }
}
