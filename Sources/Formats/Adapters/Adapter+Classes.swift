import JSON
import Tensors

extension Adapter {
    /// The key of the metadata under which the names of its classes lie, as an array in JSON.
    package static let classesKey = "classes"

    /// The matrices whose rows are classes.
    private static let heads = ["score.weight", "classifier.weight", "classifier.out_proj.weight"]

    /// How many answers its head tells apart, 1 where it gives a value; nil where it has none.
    package var headCount: Int? {
        let head = entries.first { entry in
            entry.key.kind == .full && Self.heads.contains { entry.key.target.hasSuffix($0) }
        }
        return head?[.value]?.shape.dimensions.first
    }

    /// What its classes are called, in the order of their numbers; nil where it does not say.
    package var classNames: [String]? {
        guard let text = metadata[Self.classesKey],
            let names = (try? JSONValue.parse(Array(text.utf8), path: "metadata"))?.array
        else { return nil }
        let texts = names.compactMap(\.string)
        return texts.count == names.count && !texts.isEmpty ? texts : nil
    }
}
