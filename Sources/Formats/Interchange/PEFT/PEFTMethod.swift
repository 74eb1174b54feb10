package import Adapters

/// How PEFT writes one method: its `peft_type` and its keys.
package struct PEFTMethod: Sendable {
    /// Its `peft_type`: "LORA".
    package let type: String
    package let method: Method
    /// What stands before the path of a module in every key.
    package let prefix: String
    /// In the order they are tried.
    package let rules: [KeyRule]
    /// Config keys without which PEFT refuses to load, with the value export writes where the parameters have none.
    package let required: [ParameterValue.Member]

    init(
        _ type: String, _ method: Method, prefix: String = "base_model.model.", rules: [KeyRule],
        required: [ParameterValue.Member] = []
    ) {
        self.type = type
        self.method = method
        self.prefix = prefix
        self.rules = rules
        self.required = required
    }

    /// Every `peft_type` that is understood.
    package static let all: [PEFTMethod] = [
        lora, adalora, vera, loha, lokr, oft, boft, hra, ia3, fourierft, shira, vblora, miss, randlora, lnTuning,
        prefixTuning, promptTuning, pTuning, multitaskPromptTuning, adaptionPrompt,
    ]

    package static func of(type: String) -> PEFTMethod? { all.first { $0.type == type } }
    package static func of(method word: String) -> PEFTMethod? { all.first { $0.method.word == word } }
}
