import Adapters
import Architectures
import Diagnostics
import Files
import Packaging

/// Known models, from `Fixtures/plan`, and plans for them.
enum PlanModels {
    static let fixtures = Paths.joined(
        Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures")

    static func architecture(_ name: String, head: ModelHead? = nil) throws -> Architecture {
        try Architecture(path: Paths.joined(fixtures, "plan/\(name).json"), head: head)
    }

    /// The plan for a method with its usual config but for what is given.
    static func plan(
        _ model: String, _ method: String, _ parameters: Parameters = [:], head: ModelHead? = nil,
        setup: TrainingSetup = TrainingSetup(), tasks: Int = 1
    ) throws -> TuningPlan {
        let planned = try PlannedMethod.named(method)
        var config = planned.standard
        for member in parameters.members { config[member.key] = member.value }
        return try TuningPlan(of: architecture(model, head: head), planned, config, setup, tasks: tasks)
    }

    static func trained(
        _ model: String, _ method: String, _ parameters: Parameters = [:], head: ModelHead? = nil
    ) throws -> Int {
        try plan(model, method, parameters, head: head).trainableParameters
    }
}

extension ParameterValue {
    /// The value of `target_modules` and the like.
    static func names(_ names: String...) -> ParameterValue { .list(names.map(ParameterValue.string)) }
    /// The value of `layers_to_transform` and the like.
    static func numbers(_ numbers: Int64...) -> ParameterValue { .list(numbers.map(ParameterValue.int)) }
}
