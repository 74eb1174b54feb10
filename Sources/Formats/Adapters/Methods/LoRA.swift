extension Method {
    /// Low-rank adaptation, with its variants that are options of one config: rslora, DoRA, patterns.
    package static let lora = Method(
        word: "lora", name: "LoRA",
        kinds: [.lora, .rows, .bias, .full],
        config: [
            ConfigKey("r", 8),
            ConfigKey("lora_alpha", 8),
            ConfigKey("use_rslora", false),
            ConfigKey("lora_dropout", 0, noEffect: "acts only while training"),
        ],
        mergeability: .lowRank,
        formula: "W' = W + s·B·A, s = alpha/r (rslora: alpha/√r)",
        source: "Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2021")
}

extension ParameterValue: ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringLiteral {
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(stringLiteral value: String) { self = .string(value) }
}
