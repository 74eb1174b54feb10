import Adapters

extension PEFTMethod {
    static let boft = PEFTMethod(
        "BOFT", .boft,
        rules: [
            KeyRule("boft_R", .butterfly, .rotation),
            KeyRule("boft_s", .butterfly, .scale),
        ] + KeyRule.besides)
}
