import JSON
import Tensors

extension Adapter {
    /// The key of the metadata under which the names of its classes lie, as an array in JSON.
    package static let classesKey = "classes"

    /// The key of the metadata under which stands what its head was made for, in PEFT's words for tasks, where the base's own head
    /// does not do.
    package static let headKey = "head"

    /// The modules whose outputs are classes.
    private static let heads = ["score", "classifier", "classifier.out_proj", "classification_head.out_proj"]

    /// Whether the outputs of a module are classes, or a value.
    package static func isHead(_ module: some StringProtocol) -> Bool {
        heads.contains { module == $0 || module.hasSuffix("." + $0) }
    }

    /// How many answers its head tells apart, 1 where it gives a value; nil where it has none.
    package var headCount: Int? {
        let head = entries.first { entry in
            entry.key.kind == .full && entry.key.target.hasSuffix(".weight")
                && Self.isHead(entry.key.target.dropLast(".weight".count))
        }
        return head?[.value]?.shape.dimensions.first
    }

    /// What its classes are called, in the order of their numbers; nil where it does not say, or calls two the same.
    package var classNames: [String]? {
        guard let text = metadata[Self.classesKey],
            let names = (try? JSONValue.parse(Array(text.utf8), path: "metadata"))?.array
        else { return nil }
        let texts = names.compactMap(\.string)
        guard texts.count == names.count, Set(texts.map { Array($0.utf8) }).count == texts.count else { return nil }
        return texts.isEmpty ? nil : texts
    }
}
