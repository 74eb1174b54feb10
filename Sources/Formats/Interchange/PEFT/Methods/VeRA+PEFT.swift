import Adapters

extension PEFTMethod {
    static let vera = PEFTMethod(
        "VERA", .vera,
        rules: [
            KeyRule("vera_lambda_b", .vera, .lambdaB),
            KeyRule("vera_lambda_d", .vera, .lambdaD),
            KeyRule("base_model.vera_A", .shared, .a, .model),
            KeyRule("base_model.vera_B", .shared, .b, .model),
        ] + KeyRule.besides)
}
