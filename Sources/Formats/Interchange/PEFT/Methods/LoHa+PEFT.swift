import Adapters

extension PEFTMethod {
    static let loha = PEFTMethod(
        "LOHA", .loha,
        rules: [
            KeyRule("hada_w1_a", .hadamard, .w1A),
            KeyRule("hada_w1_b", .hadamard, .w1B),
            KeyRule("hada_w2_a", .hadamard, .w2A),
            KeyRule("hada_w2_b", .hadamard, .w2B),
            KeyRule("hada_t1", .hadamard, .t1),
            KeyRule("hada_t2", .hadamard, .t2),
        ] + KeyRule.besides)
}
