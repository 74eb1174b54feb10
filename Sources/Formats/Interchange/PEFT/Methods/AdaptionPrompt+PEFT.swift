import Adapters

extension PEFTMethod {
    static let adaptionPrompt = PEFTMethod(
        "ADAPTION_PROMPT", .adaptionPrompt,
        rules: [
            KeyRule("adaption_prompt", .gatedPrompt, .value, .module),
            KeyRule("adaption_gate", .gatedPrompt, .gate, .module),
        ])
}
