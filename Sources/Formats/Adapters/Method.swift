package import Diagnostics

/// What an adapter *is*: its kinds, its config and what can be done with it. One value per method, in `Methods/`.
///
/// The container, the algebra, the plan and the command line ask the descriptor; none of them switches over methods.
package struct Method: Sendable {
    /// The word in containers and on the command line: "lora".
    package let word: String
    /// The name people use: "LoRA".
    package let name: String
    /// The kinds its entries may have, its own first.
    package let kinds: [Kind]
    /// Its config, without the keys of ``ConfigKey/common``.
    package let config: [ConfigKey]
    package let mergeability: Mergeability
    /// What it adds to the base, in one line of `Spec/methods.md`.
    package let formula: String
    /// Where it was published.
    package let source: String
    /// What holds across config and entries beyond the rules of the kinds; returns what the user ought to know.
    package let check: @Sendable (Adapter) throws(Failure) -> [Finding]

    package init(
        word: String, name: String, kinds: [Kind], config: [ConfigKey], mergeability: Mergeability, formula: String,
        source: String, check: @escaping @Sendable (Adapter) throws(Failure) -> [Finding] = { _ throws(Failure) in [] }
    ) {
        self.word = word
        self.name = name
        self.kinds = kinds
        self.config = config
        self.mergeability = mergeability
        self.formula = formula
        self.source = source
        self.check = check
    }

    package enum Mergeability: Hashable, Sendable {
        /// Its change of a weight is linear and of low rank: any tool of LoRA can take it.
        case lowRank
        /// It changes weights, but not as a low-rank sum.
        case dense
        /// It acts on what flows through the model, not on its weights.
        case none(why: String)
    }
}

/// One key of a method's config, as PEFT spells it.
package struct ConfigKey: Hashable, Sendable {
    package let name: String
    /// What a config without the key means.
    package let defaultValue: ParameterValue
    package let effect: Effect
    /// Whether the order of its list means nothing.
    package let isSet: Bool

    package enum Effect: Hashable, Sendable {
        /// It changes what the adapter computes, so the content digest covers it.
        case function
        /// It does not, and why not.
        case none(why: String)
    }

    package init(_ name: String, _ defaultValue: ParameterValue = .null, isSet: Bool = false) {
        self.name = name
        self.defaultValue = defaultValue
        self.effect = .function
        self.isSet = isSet
    }

    package init(_ name: String, _ defaultValue: ParameterValue = .null, noEffect why: String) {
        self.name = name
        self.defaultValue = defaultValue
        self.effect = .none(why: why)
        self.isSet = false
    }
}
