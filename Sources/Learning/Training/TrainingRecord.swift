package import Adapters
package import Diagnostics
import Insertions
package import JSON

/// How an adapter came about: enough to train it again. It lies in the container's metadata under ``key``, as JSON.
package struct TrainingRecord: Sendable {
    package static let key = "training"

    package let method: String
    package let parameters: JSONValue
    package let options: JSONValue
    /// Whether it went on from another adapter.
    package let isContinued: Bool
    package let dataDigest: String
    package let baseRoot: String
    /// The step whose numbers these are.
    package let step: Int
    package let evaluation: Evaluation?

    /// What its rows were cut to, in tokens.
    package var maximumLength: Int? { options["maximumLength"]?.int.flatMap { $0 >= 1 ? $0 : nil } }

    /// What of its data was learned.
    package var form: DataForm { DataForm(options) }

    package var document: JSONValue {
        [
            "tool": "tenon", "method": .string(method), "parameters": parameters, "options": options,
            "continued": .bool(isContinued),
            "dataDigest": .string(dataDigest), "baseRoot": .string(baseRoot), "step": JSONValue(step),
            "evaluation": evaluation?.document ?? nil,
        ]
    }

    package init(
        method: String, parameters: JSONValue, options: JSONValue, isContinued: Bool, dataDigest: String,
        baseRoot: String, step: Int, evaluation: Evaluation?
    ) {
        self.method = method
        self.parameters = parameters
        self.options = options
        self.isContinued = isContinued
        self.dataDigest = dataDigest
        self.baseRoot = baseRoot
        self.step = step
        self.evaluation = evaluation
    }

    /// A line for people, where `key` is that of a record.
    package static func summary(_ key: String, _ value: String) -> String? {
        guard key == Self.key, let record = try? TrainingRecord(parsing: value) else { return nil }
        let result = record.evaluation.map { ", evaluation \($0.summary)" } ?? ""
        return "\(record.method), \(record.step) steps\(result); data \(record.dataDigest.prefix(12))…"
    }

    /// What an adapter says of itself.
    ///
    /// Throws ``Failure/Code/notTrained`` where it says nothing that can be read.
    package init(of adapter: Adapter) throws(Failure) {
        guard let text = adapter.metadata[Self.key] else { throw Self.none }
        try self.init(parsing: text)
    }

    private static let none = Failure(.notTrained, "the adapter does not say how it was trained", object: key)

    private init(parsing text: String) throws(Failure) {
        let document = try JSONValue.parse(Array(text.utf8), path: "metadata")
        guard let method = document["method"]?.string, let parameters = document["parameters"],
            let options = document["options"], let data = document["dataDigest"]?.string,
            let root = document["baseRoot"]?.string, let step = document["step"]?.int
        else { throw Self.none }
        self.init(
            method: method, parameters: parameters, options: options,
            isContinued: document["continued"]?.bool ?? false, dataDigest: data, baseRoot: root, step: step,
            evaluation: document["evaluation"].flatMap { Evaluation($0) })
    }
}
