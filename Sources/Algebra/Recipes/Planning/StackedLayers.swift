import DeltaAlgebra
import Diagnostics
import JSON
import Tensors

/// Some layers of a model that stand in a stack of several models' layers.
struct StackedLayers {
    let reference: ModelReference
    let model: MergeModel
    /// What stands before the numbers in the names, with the period at its end.
    let stack: String
    let layers: Range<Int>
    /// Where the recipe names them.
    let line: Int

    /// Refuses layers of another width than those before them. A model's layers may have several widths of their own, so
    /// no layer of the one model has the shape of any of the other.
    ///
    /// Throws ``Failure/Code/modelsIncompatible`` with a tensor of both.
    func check(after before: StackedLayers, in recipe: Recipe) throws(Failure) {
        guard before.reference != reference else { return }
        let (own, others) = (shapes, before.shapes)
        for rest in own.keys.map(\.string).sorted(by: { $0.precedesInBytes($1) }) {
            guard let shapes = own[ExactKey(rest)], let theirs = others[ExactKey(rest)], shapes.isDisjoint(with: theirs)
            else { continue }
            let name = "\(stack)\(layers.lowerBound)\(rest)"
            let other = "\(before.stack)\(before.layers.upperBound - 1)\(rest)"
            throw Failure(
                .modelsIncompatible, "layers of different widths cannot follow each other",
                object: "line \(line): \(name) of \(model.path)", path: recipe.path,
                expected: "\(before.shape(other) ?? theirs.text) as \(other) of \(before.model.path)",
                actual: shape(name) ?? shapes.text)
        }
    }

    private func shape(_ name: String) -> String? { model.tensor(named: name).map { "\($0.source.shape)" } }

    /// The shapes that the tensors of all the model's layers have, by what stands behind the number.
    private var shapes: [ExactKey: Set<Shape>] {
        var shapes: [ExactKey: Set<Shape>] = [:]
        for tensor in model.tensors {
            guard let name = LayerName(tensor.name), name.stack == stack else { continue }
            shapes[ExactKey(name.rest), default: []].insert(tensor.source.shape)
        }
        return shapes
    }
}

extension Set<Shape> {
    fileprivate var text: String { map(\.description).sorted().joined(separator: ", ") }
}
