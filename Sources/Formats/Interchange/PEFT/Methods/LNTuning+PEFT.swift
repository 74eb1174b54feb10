import Adapters

extension PEFTMethod {
    static let lnTuning = PEFTMethod(
        "LN_TUNING", .lnTuning,
        rules: [
            KeyRule("ln_tuning_layers.weight", .full, .value, .weight),
            KeyRule("ln_tuning_layers.bias", .full, .value, .bias),
            KeyRule("", .full, .value, .tensor, forms: ["saved"], if: .saved),
        ])
}
