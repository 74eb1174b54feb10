package import Adapters
package import Architectures
import JSON
import Tensors

extension Adapter {
    /// What it was trained to do, and how many classes its head tells apart; nil where it does not say.
    package var learned: (task: ModelTask?, labels: Int?) {
        let head = entries.first { entry in
            entry.key.kind == .full && Self.heads.contains { entry.key.target.hasSuffix($0) }
        }
        let labels = head?[.value]?.shape.dimensions.first
        let recorded = (try? TrainingRecord(of: self))?.options["task"]?.string.flatMap(ModelTask.init)
        let task = recorded ?? ModelTask(peftName: parameters["task_type"]?.string, labels: labels)
        return (task, labels == 1 ? nil : labels)
    }

    /// The matrices whose rows are classes.
    private static let heads = ["score.weight", "classifier.weight", "classifier.out_proj.weight"]
}
