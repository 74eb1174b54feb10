/// What PEFT adapts in models of a type where its config names no `target_modules`.
package struct DefaultTargets: Hashable, Sendable {
    /// Of LoRA, and of every method that has none of its own.
    let lora: [String]
    /// Of methods that have others, by the method's word.
    let others: [String: [String]]
    /// Of (IA)³: those whose inputs are scaled instead of their outputs.
    package let feedForward: [String]
    /// What is called an attention, for prompts that stand beside one.
    package let attention: String

    init(
        _ lora: [String], ia3: [String], feedForward: [String], norms: [String], attention: String,
        others: [String: [String]] = [:]
    ) {
        self.lora = lora
        self.feedForward = feedForward
        self.attention = attention
        self.others = others.merging(["ia3": ia3, "ln-tuning": norms]) { own, _ in own }
    }

    /// The targets of a method, by its word.
    package func targets(of method: String) -> [String] { others[method] ?? lora }
}
