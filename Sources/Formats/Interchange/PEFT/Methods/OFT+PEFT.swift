import Adapters

extension PEFTMethod {
    static let oft = PEFTMethod(
        "OFT", .oft, rules: [KeyRule("oft_R.weight", .orthogonal, .rotation)] + KeyRule.besides)
}
