import Adapters

extension PEFTMethod {
    static let shira = PEFTMethod(
        "SHIRA", .shira,
        rules: [
            KeyRule("shira_weight", .sparse, .value),
            KeyRule("shira_indices", .sparse, .indices),
        ] + KeyRule.besides)
}
