import Adapters

extension PEFTMethod {
    static let adalora = PEFTMethod(
        "ADALORA", .adalora,
        rules: [
            KeyRule("lora_A", .adalora, .a),
            KeyRule("lora_B", .adalora, .b),
            KeyRule("lora_E", .adalora, .e),
            KeyRule.tokenRows,
        ] + KeyRule.besides,
        // PEFT refuses a schedule without an end, though nothing is trained any more.
        required: [.init("total_step", 1)])
}
