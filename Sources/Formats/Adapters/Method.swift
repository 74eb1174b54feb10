package import Diagnostics

/// What an adapter *is*: its kinds, its config and what can be done with it. One value per method, in `Methods/`.
///
/// The container, the algebra, the plan and the command line ask the descriptor; none of them switches over methods.
package struct Method: Sendable {
    /// The word in containers and on the command line: "lora".
    package let word: String
    /// The name people use: "LoRA".
    package let name: String
    /// The kinds its entries may have, its own first. Kind `file` goes with every method.
    package let kinds: [Kind]
    /// Its config, without the keys of ``ConfigKey/common`` that mean the same here as everywhere.
    package let config: [ConfigKey]
    package let mergeability: Mergeability
    /// What it does to the base, in one line of `Spec/methods.md`.
    package let formula: String
    /// Where it was published.
    package let source: String
    /// How large its adapters are in a model; nil where that does not follow from shapes.
    package let sizing: Sizing?
    /// What holds across config and entries beyond the rules of the kinds; returns what the user ought to know.
    package let check: @Sendable (Adapter) throws(Failure) -> [Finding]

    package init(
        word: String, name: String, kinds: [Kind], config: [ConfigKey], mergeability: Mergeability, formula: String,
        source: String, sizing: Sizing? = nil,
        check: @escaping @Sendable (Adapter) throws(Failure) -> [Finding] = { _ throws(Failure) in [] }
    ) {
        self.word = word
        self.name = name
        self.kinds = kinds
        self.config = config
        self.mergeability = mergeability
        self.formula = formula
        self.source = source
        self.sizing = sizing
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

extension Method {
    /// Every method that this version understands, in the order of `Spec/methods.md`.
    package static let all: [Method] = [
        lora, adalora, vera, loha, lokr, oft, boft, hra, ia3, fourierft, shira, vblora, miss, randlora, lnTuning,
        prefixTuning, promptTuning, pTuning, multitaskPromptTuning, adaptionPrompt, delta,
    ]

    /// The method of this word, if it is understood.
    package static func named(_ word: String) -> Method? {
        all.first { $0.word == word }
    }

    /// What is known of a config key: the method's own word first, then what holds for all.
    package func key(_ name: String) -> ConfigKey? {
        config.first { $0.name == name } ?? ConfigKey.common.first { $0.name == name }
    }

    /// All config keys, each once.
    package var allKeys: [ConfigKey] {
        config + ConfigKey.common.filter { common in !config.contains { $0.name == common.name } }
    }

    /// The parameters a config means: keys that change the function, without defaults, sets sorted. Keys that nobody here
    /// knows are kept as they are, for they might matter.
    package func parameters(of config: [ParameterValue.Member]) -> Parameters {
        let given = Dictionary(config.map { ($0.key, $0.value) }) { first, _ in first }
        var parameters = Parameters()
        for member in config {
            guard let key = key(member.key) else {
                parameters[member.key] = member.value
                continue
            }
            let value = key.canonical(member.value)
            if key.matters(value, given: given) { parameters[member.key] = value }
        }
        return parameters
    }

    /// Refuses with ``Failure/Code/badParameter`` a number outside what its key allows, and NaN anywhere.
    package func validate(_ parameters: Parameters) throws(Failure) {
        for member in parameters.members {
            try member.value.checkFinite(name: member.key)
            try key(member.key)?.check(member.value)
        }
    }
}
