import Adapters

extension PEFTMethod {
    static let lokr = PEFTMethod(
        "LOKR", .lokr,
        rules: [
            KeyRule("lokr_w1", .kronecker, .w1),
            KeyRule("lokr_w1_a", .kronecker, .w1A),
            KeyRule("lokr_w1_b", .kronecker, .w1B),
            KeyRule("lokr_w2", .kronecker, .w2),
            KeyRule("lokr_w2_a", .kronecker, .w2A),
            KeyRule("lokr_w2_b", .kronecker, .w2B),
            KeyRule("lokr_t2", .kronecker, .t2),
        ] + KeyRule.besides)
}
