package import Adapters

/// One spelling of a tensor's key in a PEFT file, and what it means: the one table that import and export both read.
///
/// A key is a prefix, the path of a module of the base, and the rule's suffix: `base_model.model.` + `model.layers.0.q_proj`
/// + `.` + `lora_A.weight`.
package struct KeyRule: Sendable {
    /// How the path of the module and the target of the entry hang together.
    package enum Place: Sendable {
        /// The target is the module's weight.
        case weight
        /// The target is the module's bias.
        case bias
        /// The target is the module itself.
        case module
        /// There is no suffix; the target is the tensor of the base that the whole path names.
        case tensor
        /// The suffix is the whole key, and the target is empty: it concerns the whole model.
        case model
        /// The target is the whole key; kind opaque.
        case key
    }

    /// Whether a key that ends so may be meant.
    package enum Condition: Sendable {
        case always
        /// The path lies in a module of `modules_to_save`, or is an embedding that PEFT saved along.
        case saved
        /// The config has every bias trained.
        case everyBias
    }

    package let suffix: String
    package let kind: Kind
    package let role: Role
    package let place: Place
    package let condition: Condition
    /// Values of the entry's parameter `form` under which a tensor is spelled so, "" for an entry without it; the first
    /// is what the spelling alone says. Empty where the spelling is the same in all forms.
    package let forms: [String]

    init(
        _ suffix: String, _ kind: Kind, _ role: Role, _ place: Place = .weight, forms: [String] = [""],
        if condition: Condition = .always
    ) {
        self.suffix = suffix
        self.kind = kind
        self.role = role
        self.place = place
        self.forms = forms
        self.condition = condition
    }

    /// Whether export may use this spelling for a tensor of an entry of this form.
    func spells(_ role: Role, of entry: AdapterEntry, form: String) -> Bool {
        guard entry.key.kind == kind, self.role == role, forms.isEmpty || forms.contains(form) else { return false }
        return switch place {
        case .weight: entry.key.target.hasSuffix(".weight") || entry.parameters["module"] != nil
        case .bias: entry.key.target.hasSuffix(".bias")
        case .model: entry.key.target.isEmpty
        case .module, .tensor, .key: !entry.key.target.isEmpty
        }
    }
}

extension KeyRule {
    /// What any method may store beside its own: biases, whole modules, embeddings.
    package static let besides: [KeyRule] = [
        KeyRule("base_layer.bias", .bias, .value, .bias, forms: ["wrapped"]),
        KeyRule("base_layer.weight", .full, .value, .weight, forms: ["wrapped"]),
        KeyRule("", .full, .value, .tensor, if: .saved),
        KeyRule("bias", .bias, .value, .bias, if: .everyBias),
    ]

    /// Rows of an embedding; the places are in the config.
    static let tokenRows = KeyRule("token_adapter.trainable_tokens_delta", .rows, .value)
}
