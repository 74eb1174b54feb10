import Adapters
import Checkpoints
import Diagnostics
import Files
import JSON
import Tensors

/// The `config.json` of a model that was given the head of a task, or one for other classes: it names the class that has such
/// a head, and its labels.
struct HeadConfig: Sendable {
    static let name = "config.json"

    /// The config's bytes.
    let bytes: [UInt8]

    /// The ends of the classes that have heads, by PEFT's words for tasks.
    private static let classes = ["SEQ_CLS": "ForSequenceClassification", "TOKEN_CLS": "ForTokenClassification"]

    /// Nil where the base's config stays as it is: it has none, the head was not made for other answers than the base's, or it
    /// cannot be told what class the model with its head would be of.
    ///
    /// - Parameter made: The entries of `adapter` that are new to the base.
    init?(_ base: Checkpoint, _ adapter: Adapter, made: [AdapterEntry]) throws(Failure) {
        let madeFor = adapter.metadata[Adapter.headKey]
        guard !made.isEmpty || madeFor != nil, base.companions.contains(Self.name),
            let task = madeFor ?? adapter.parameters["task_type"]?.string, let ending = Self.classes[task],
            let labels = adapter.headCount
        else { return nil }
        let file = try base.place.file(named: Self.name)
        guard file.size <= JSONLimits.byteCount,
            var config = try JSONValue.parse(file.read(at: 0, count: file.size), path: file.path).object,
            let stem = config["architectures"]?.array?.first?.string.flatMap(Self.stem)
        else { return nil }
        let known = adapter.classNames.flatMap { $0.count == labels ? $0 : nil }
        config["architectures"] = [.string(stem + ending)]
        if config["num_labels"] != nil { config["num_labels"] = JSONValue(labels) }
        // What the old head was for must not be said of the new one.
        let problem = config["problem_type"]?.string
        if labels > 1, problem != nil { config["problem_type"] = "single_label_classification" }
        if labels == 1, problem != nil { config["problem_type"] = "regression" }
        if known != nil || config["id2label"]?.object?.count != labels {
            var names = JSONObject()
            var numbers = JSONObject()
            for (label, name) in (known ?? (0..<labels).map { "LABEL_\($0)" }).enumerated() {
                names["\(label)"] = .string(name)
                numbers[name] = JSONValue(label)
            }
            config["id2label"] = .object(names)
            config["label2id"] = .object(numbers)
        }
        bytes =
            JSONWriter.bytes(of: .object(config), .python(indent: 2, sortKeys: false)) + [UInt8(ascii: "\n")]
    }

    /// What the names of a model's classes begin with: `Bert` of `BertForMaskedLM`.
    private static func stem(_ architecture: String) -> String? {
        for ending in ["LMHeadModel", "PreTrainedModel", "Model"] where architecture.hasSuffix(ending) {
            return String(architecture.dropLast(ending.count))
        }
        return architecture.firstRange(of: "For").map { String(architecture[..<$0.lowerBound]) }
    }
}
