import Adapters

extension PEFTMethod {
    static let fourierft = PEFTMethod(
        "FOURIERFT", .fourierft, rules: [KeyRule("fourierft_spectrum", .spectrum, .spectrum)] + KeyRule.besides)
}
