import Adapters

extension PEFTMethod {
    static let hra = PEFTMethod("HRA", .hra, rules: [KeyRule("hra_u", .householder, .u)] + KeyRule.besides)
}
