import Architectures
import Diagnostics

extension Method {
    /// Norms trained whole: each stored tensor stands for the base's.
    package static let lnTuning = Method(
        word: "ln-tuning", name: "LN tuning",
        kinds: [.full],
        config: [
            ConfigKey("target_modules", isSet: true),
            ConfigKey("exclude_modules", isSet: true),
            ConfigKey("modules_to_save", isSet: true),
        ],
        mergeability: .dense,
        formula: "W' = the stored norm",
        source: "Zhao et al., Tuning LayerNorm in Attention: Towards Efficient Multi-Modal LLM Finetuning, 2023",
        sizing: Sizing { input throws(Failure) in
            var parameters = input.parameters
            if parameters["target_modules"] ?? .null == .null {
                let names = input.architecture.defaults.targets(of: input.method)
                parameters["target_modules"] = .list(names.map(ParameterValue.string))
            }
            let targets = try TargetModules(parameters)
            var size = AdapterSize()
            size.existing = input.architecture.tensors { module, _ in targets.contains(module.path) }
            guard !size.existing.isEmpty else {
                throw Failure(.usage, "the target modules mean no norm of the model")
            }
            return size
        })
}
