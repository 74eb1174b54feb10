import Adapters
import ArgumentParser
import Diagnostics

/// What `plan` and `train` take of an adapter's config beside what they ask each for themselves.
struct AdaptationFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Which layers are adapted: all-linear, names such as q_proj,v_proj, or a regular expression for whole paths (default: what is usual for the method).",
            valueName: "list"))
    var targetModules: String?

    @Option(help: ArgumentHelp("Adapt only so many of the last blocks.", valueName: "n"))
    var numLayers: Int?

    @Option(help: ArgumentHelp("Tokens that a prompt or prefix puts in front (default: 20).", valueName: "n"))
    var virtualTokens: Int?

    @Option(help: ArgumentHelp("Which biases are trained too: none, lora_only or all.", valueName: "which"))
    var bias: String?

    @Option(
        help: ArgumentHelp(
            "Any other key of PEFT's config, its value in JSON, such as rank_pattern={\"down_proj\":4}.",
            valueName: "key=value"))
    var set: [String] = []

    /// Whether none is given.
    var isEmpty: Bool { targetModules == nil && numLayers == nil && virtualTokens == nil && bias == nil && set.isEmpty }

    /// A member of the config, and the flag that it is of. The key is nil where the method has none for the flag.
    struct Setting {
        let flag: String
        let key: String?
        let value: ParameterValue
    }

    /// What is given, `--set` last.
    ///
    /// Throws ``Failure/Code/usage`` for values that mean nothing.
    ///
    /// - Parameters:
    ///   - layers: How many blocks the model has.
    ///   - tokensKey: What the config calls the number of virtual tokens.
    func settings(layers: Int, tokensKey: String? = "num_virtual_tokens") throws(Failure) -> [Setting] {
        var settings: [Setting] = []
        func give(_ flag: String, _ key: String?, _ value: ParameterValue) {
            settings.append(Setting(flag: flag, key: key, value: value))
        }
        if let virtualTokens {
            guard virtualTokens >= 1 else {
                throw Failure(.usage, "--virtual-tokens must be at least 1", actual: "\(virtualTokens)")
            }
            give("--virtual-tokens", tokensKey, .int(Int64(virtualTokens)))
        }
        if let targetModules {
            give("--target-modules", "target_modules", ParameterValue(targetModules: targetModules))
        }
        if let bias {
            guard bias == "none" || bias == "all" || bias.hasSuffix("_only") else {
                throw Failure(
                    .usage, "there are no such biases", object: "--bias", expected: "none, lora_only or all",
                    actual: bias)
            }
            give("--bias", "bias", .string(bias))
        }
        if let numLayers {
            guard (1...layers).contains(numLayers) else {
                throw Failure(
                    .usage, "--num-layers is out of its range", expected: "1 to \(layers)", actual: "\(numLayers)")
            }
            let last = (layers - numLayers..<layers).map { ParameterValue.int(Int64($0)) }
            give("--num-layers", "layers_to_transform", .list(last))
        }
        for member in try members { give("--set \(member.key)", member.key, member.value) }
        return settings
    }

    /// What `--set` gives.
    ///
    /// Throws ``Failure/Code/usage`` for what is no key with a value in JSON.
    var members: [ParameterValue.Member] {
        get throws(Failure) { try set.map { text throws(Failure) in try ParameterValue.Member(setting: text) } }
    }
}
