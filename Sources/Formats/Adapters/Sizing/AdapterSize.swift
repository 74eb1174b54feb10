package import Architectures
package import Diagnostics

/// The tensors that a method has in a model, counted from shapes alone.
package struct AdapterSize: Hashable, Sendable {
    /// What it adds to the model and trains.
    package var added: [TensorGroup] = []
    /// Tensors of the base that it trains where they are.
    package var existing: [TensorGroup] = []
    /// What it needs besides and leaves as it is, such as random projections.
    package var fixed: [TensorGroup] = []
    /// Whether a file holds what is fixed, too.
    package var storesFixed = false
    /// What a file holds in place of what is trained, where that is something else.
    package var stored: [TensorGroup]?
    /// Whole numbers of four bytes that a file holds besides.
    package var indices: [TensorGroup] = []
    /// Tokens that it puts in front of every row.
    package var virtualTokens = 0
    /// Numbers that a token keeps for the backward pass besides those of the model.
    package var keptPerToken: [Formula] = []

    package init() {}

    /// All that is trained.
    package var trained: [TensorGroup] { added + existing }
    /// All that a file holds in the adapter's own type.
    package var file: [TensorGroup] { (stored ?? trained) + (storesFixed ? fixed : []) }
}

extension [TensorGroup] {
    /// How many numbers they come to, refusing with ``Failure/Code/shapeOverflow`` what does not fit 63 bits.
    package func count() throws(Failure) -> Int {
        try Formula.sum(map(\.formula)).value()
    }
}

/// How a method's size follows from a model's shapes and the method's config: closed formulas, one place per method.
package struct Sizing: Sendable {
    /// What a config has where nothing is said, beside the defaults of its keys.
    package let standard: Parameters
    /// The key that a rank goes to; nil where nothing has a rank.
    package let rankKey: String?
    /// The key that a number of virtual tokens goes to.
    package let tokensKey: String?
    /// The tensors. Throws ``Failure/Code/usage`` for targets that mean nothing, and ``Failure/Code/badParameter`` for a
    /// config that fits no model, or not this one.
    package let size: @Sendable (SizingInput) throws(Failure) -> AdapterSize

    package init(
        standard: Parameters = [:], rankKey: String? = nil, tokensKey: String? = nil,
        size: @escaping @Sendable (SizingInput) throws(Failure) -> AdapterSize
    ) {
        self.standard = standard
        self.rankKey = rankKey
        self.tokensKey = tokensKey
        self.size = size
    }
}
