import Adapters
import Checkpoints
import Diagnostics
import Files
import JSON
import Tensors

/// The `config.json` of a model that was given the head of a task: it names the class that has such a head, and its labels.
struct HeadConfig: Sendable {
    static let name = "config.json"

    /// The config's bytes.
    let bytes: [UInt8]

    /// The ends of the classes that have heads, by PEFT's words for tasks.
    private static let classes = ["SEQ_CLS": "ForSequenceClassification", "TOKEN_CLS": "ForTokenClassification"]
    /// The matrices whose rows are classes.
    private static let heads = ["score.weight", "classifier.weight", "classifier.out_proj.weight"]

    /// Nil where the base has no config, or it cannot be told what class the model with its head would be of.
    ///
    /// - Parameter made: The entries of `adapter` that are new to the base.
    init?(_ base: Checkpoint, _ adapter: Adapter, made: [AdapterEntry]) throws(Failure) {
        guard base.companions.contains(Self.name), let task = adapter.parameters["task_type"]?.string,
            let ending = Self.classes[task],
            let labels = made.first(where: { entry in Self.heads.contains { entry.key.target.hasSuffix($0) } })?[
                .value]?
                .shape.dimensions.first
        else { return nil }
        let file = try base.place.file(named: Self.name)
        guard file.size <= JSONLimits.byteCount,
            var config = try JSONValue.parse(file.read(at: 0, count: file.size), path: file.path).object,
            let stem = config["architectures"]?.array?.first?.string.flatMap(Self.stem)
        else { return nil }
        config["architectures"] = [.string(stem + ending)]
        if config["num_labels"] != nil { config["num_labels"] = JSONValue(labels) }
        if config["id2label"]?.object?.count != labels {
            var names = JSONObject()
            var numbers = JSONObject()
            for label in 0..<labels {
                names["\(label)"] = .string("LABEL_\(label)")
                numbers["LABEL_\(label)"] = JSONValue(label)
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
