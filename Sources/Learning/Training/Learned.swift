package import Adapters
package import Architectures
import JSON
import Tensors

/// What an adapter was trained to do.
package struct Learned: Sendable {
    /// Nil where the adapter does not say.
    package let task: ModelTask?
    /// How many classes its head tells apart; nil for none.
    package let labels: Int?
    /// Their names, where the adapter has them.
    package let classes: LabelMap?
    /// What of its data it learned, and in which words.
    package let form: DataForm

    /// The key of the metadata under which the names of classes lie, as an array in JSON.
    static let classesKey = "classes"

    /// The matrices whose rows are classes.
    private static let heads = ["score.weight", "classifier.weight", "classifier.out_proj.weight"]

    /// Reads what the adapter has: the record of its training, or as PEFT says it.
    package init(_ adapter: Adapter) {
        let head = adapter.entries.first { entry in
            entry.key.kind == .full && Self.heads.contains { entry.key.target.hasSuffix($0) }
        }
        let count = head?[.value]?.shape.dimensions.first
        let record = try? TrainingRecord(of: adapter)
        task =
            record?.options["task"]?.string.flatMap(ModelTask.init)
            ?? ModelTask(peftName: adapter.parameters["task_type"]?.string, labels: count)
        labels = count == 1 ? nil : count
        let document = adapter.metadata[Self.classesKey].flatMap { text in
            try? JSONValue.parse(Array(text.utf8), path: "metadata")
        }
        classes = document.flatMap { LabelMap($0) }
        form = record?.form ?? DataForm()
    }
}

extension Adapter {
    package var learned: Learned { Learned(self) }
}
