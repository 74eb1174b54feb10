import Adapters

extension PEFTMethod {
    static let vblora = PEFTMethod(
        "VBLORA", .vblora,
        rules: [
            KeyRule("vblora_logits_A", .vectorBank, .logitsA),
            KeyRule("vblora_logits_B", .vectorBank, .logitsB),
            KeyRule("vblora_logits_A_topk_indices", .vectorBank, .indicesA),
            KeyRule("vblora_logits_B_topk_indices", .vectorBank, .indicesB),
            KeyRule("vblora_logits_A_topk_weights", .vectorBank, .weightsA),
            KeyRule("vblora_logits_B_topk_weights", .vectorBank, .weightsB),
            KeyRule("base_model.vblora_vector_bank", .shared, .bank, .model),
        ] + KeyRule.besides)
}
