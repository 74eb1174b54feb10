/// What a model is trained to do.
package enum ModelTask: String, Hashable, Sendable, CaseIterable {
    /// To predict each token from those before it.
    case causal
    /// To predict tokens that were masked, from all others.
    case masked
    /// To say of which class a row is.
    case classification
    /// To give a number for a row.
    case regression
    /// To say of which class each token is.
    case tokenClassification = "token-classification"

    /// What a model for it ends in.
    package var head: ModelHead {
        switch self {
        case .causal: .lm
        case .masked: .maskedLM
        case .classification, .regression: .sequenceClassification
        case .tokenClassification: .tokenClassification
        }
    }

    /// Whether there is one answer for a whole row.
    package var isOfRows: Bool { self == .classification || self == .regression }

    /// Whether answers are classes, or a value, and none of the vocabulary's tokens.
    package var isOfClasses: Bool { isOfRows || self == .tokenClassification }

    /// What PEFT calls it; nil where it has no word for it.
    package var peftName: String? {
        switch self {
        case .causal: "CAUSAL_LM"
        case .masked: nil
        case .classification, .regression: "SEQ_CLS"
        case .tokenClassification: "TOKEN_CLS"
        }
    }

    /// Reads what PEFT calls it: with one label a row is given a number.
    package init?(peftName: String?, labels: Int?) {
        switch peftName {
        case "CAUSAL_LM": self = .causal
        case "SEQ_CLS": self = labels == 1 ? .regression : .classification
        case "TOKEN_CLS": self = .tokenClassification
        default: return nil
        }
    }
}
