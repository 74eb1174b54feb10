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

    /// Reads what the adapter has: the record of its training, or as PEFT says it.
    package init(_ adapter: Adapter) {
        let count = adapter.headCount
        let record = try? TrainingRecord(of: adapter)
        task =
            record?.options["task"]?.string.flatMap(ModelTask.init)
            ?? ModelTask(peftName: adapter.parameters["task_type"]?.string, labels: count)
        labels = count == 1 ? nil : count
        classes = adapter.classNames.flatMap { LabelMap($0) }
        form = record?.form ?? DataForm()
    }
}

extension Adapter {
    package var learned: Learned { Learned(self) }
}
