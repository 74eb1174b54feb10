import Adapters

extension PEFTMethod {
    static let ia3 = PEFTMethod("IA3", .ia3, rules: [KeyRule("ia3_l", .ia3, .scale)] + KeyRule.besides)
}
