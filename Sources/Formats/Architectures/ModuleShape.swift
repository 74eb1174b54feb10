package import Diagnostics

/// A module of a model that has parameters, with the shapes of its tensors.
package struct ModuleShape: Hashable, Sendable {
    /// Where it is in the model, as PEFT and the checkpoint's keys have it.
    package let path: String
    package let kind: Kind
    package let part: Part
    package let tensors: [TensorShape]
    /// Whether its weight is that of the input embedding, so that it adds none of its own.
    package let isTied: Bool

    package enum Kind: Hashable, Sendable {
        /// y = x·Wᵀ, or x·W where `isTransposed`: W is then kept as [inputs, outputs].
        case linear(outputs: Int, inputs: Int, isTransposed: Bool)
        case embedding(rows: Int, width: Int)
        case norm
        /// A convolution, a table of positions and the like, which methods leave alone.
        case other
    }

    /// What it belongs to.
    package enum Part: Hashable, Sendable {
        case embedding
        case attention
        case mlp
        case norm
        case pooler
        case head
    }

    /// The last component of its path: what `target_modules` usually name.
    package var name: String { path.split(separator: ".").last.map(String.init) ?? path }

    /// Its path with `N` for every number, the same for all layers.
    package var pattern: String {
        path.split(separator: ".").map { Int($0) == nil ? String($0) : "N" }.joined(separator: ".")
    }
}

/// One tensor of a module.
package struct TensorShape: Hashable, Sendable {
    /// `weight`, `bias`, or the name that the module has for it.
    package let name: String
    package let dimensions: [Formula]

    package init(_ name: String, _ dimensions: [Formula]) {
        self.name = name
        self.dimensions = dimensions
    }

    /// How many numbers it has.
    package var formula: Formula { dimensions.count == 1 ? dimensions[0] : .product(dimensions) }
}

/// A layer that methods adapt: a linear one, or an embedding, which is one whose inputs are its rows.
package struct LinearSite: Hashable, Sendable {
    package let path: String
    package let outputs: Int
    package let inputs: Int
    package let hasBias: Bool
    package let part: ModuleShape.Part
    package let isEmbedding: Bool
}

/// Tensors of the same shapes, counted together: those of one module in every layer, or those that a method adds to each
/// of its targets.
package struct TensorGroup: Hashable, Sendable {
    /// What they belong to: "model.layers.N.mlp.up_proj", "q_proj, v_proj".
    package let name: String
    package let copies: Int
    package let tensors: [TensorShape]

    package init(_ name: String, copies: Int = 1, _ tensors: [TensorShape]) {
        self.name = name
        self.copies = copies
        self.tensors = tensors
    }

    package var formula: Formula {
        let each = Formula.sum(tensors.map(\.formula))
        let one = tensors.count == 1 ? tensors[0].formula : each
        return copies == 1 ? one : .quantity("n", copies) * one
    }

    package func count() throws(Failure) -> Int { try formula.value() }
}
