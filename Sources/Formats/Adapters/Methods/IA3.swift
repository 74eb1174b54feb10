import Architectures
import Diagnostics

extension Method {
    /// One vector per module that scales its outputs, or its inputs where it is a feed-forward module.
    ///
    /// W' = W ⊙ l with l [out, 1], and bias' = bias ⊙ l; or l [1, in] for `feedforward_modules`, the bias left alone.
    package static let ia3 = Method(
        word: "ia3", name: "(IA)³",
        kinds: [.ia3, .bias, .full],
        config: [
            ConfigKey("feedforward_modules", isSet: true),
            ConfigKey.fanInFanOut,
            ConfigKey.start("init_ia3_weights"),
        ] + ConfigKey.targets(except: ["layers_to_transform", "layers_pattern"]),
        mergeability: .dense,
        formula: "W' = W ⊙ l",
        source:
            "Liu et al., Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning, 2022",
        sizing: Sizing { input throws(Failure) in
            var parameters = input.parameters
            if parameters["feedforward_modules"] ?? .null == .null {
                let names =
                    input.parameters["target_modules"] ?? .null == .null
                    ? input.architecture.defaults.feedForward : []
                parameters["feedforward_modules"] = .list(names.map(ParameterValue.string))
            }
            let feedForward = try TargetModules(parameters, key: "feedforward_modules")
            var added: [TensorGroup] = []
            for site in try input.targets() {
                let isInput = feedForward.contains(site.path)
                let group = TargetGroup(site, rank: 0)
                let shape = TensorShape("scale", isInput ? [1, group.in] : [group.out, 1])
                if let place = added.firstIndex(where: { $0.name == group.name && $0.tensors == [shape] }) {
                    added[place] = TensorGroup(group.name, copies: added[place].copies + 1, [shape])
                } else {
                    added.append(group.tensors([shape]))
                }
            }
            return try input.size([], added: added)
        })
}
