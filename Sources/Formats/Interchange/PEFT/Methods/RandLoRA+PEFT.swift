import Adapters

extension PEFTMethod {
    static let randlora = PEFTMethod(
        "RANDLORA", .randlora,
        rules: [
            KeyRule("randlora_lambda", .randomBasis, .lambda),
            KeyRule("randlora_gamma", .randomBasis, .gamma),
            // Some versions write the shared projections once more for every module.
            KeyRule("randlora_A", .randomBasis, .a),
            KeyRule("randlora_B", .randomBasis, .b),
            KeyRule("base_model.randlora_A", .shared, .a, .model),
            KeyRule("base_model.randlora_B", .shared, .b, .model),
        ] + KeyRule.besides)
}
