import Adapters
package import Architectures
package import Diagnostics
package import JSON
import Tensors

extension TuningPlan {
    /// The document of `plan --json`, without what is said of the model.
    package func document() throws(Failure) -> JSONObject {
        var training = JSONObject()
        for part in memory.parts { training[part.name] = JSONValue(try part.formula.value()) }
        training["total"] = JSONValue(try memory.total.value())
        var document = JSONObject()
        document["method"] = .string(method.word)
        document["baseParameters"] = JSONValue(baseParameters)
        document["trainableParameters"] = JSONValue(trainableParameters)
        document["allParameters"] = JSONValue(allParameters)
        document["trainableShare"] = JSONValue(trainableShare)
        document["adapterBytes"] = JSONValue(adapterBytes)
        document["trainingBytes"] = .object(training)
        document["tasks"] = JSONValue(tasks)
        document["fullCopiesBytes"] = JSONValue(fullCopiesBytes)
        document["adaptersBytes"] = JSONValue(adaptersBytes)
        document["savedShare"] = JSONValue(savedShare)
        return document
    }

    /// Every formula with its numbers, by what it is of: the base's tensors, those that are trained, and the bytes.
    package func formulas(of architecture: Architecture) throws(Failure) -> [NamedFormula] {
        var formulas: [NamedFormula] = []
        for group in architecture.groups { formulas.append(try NamedFormula("base", group.name, group.formula)) }
        for group in size.trained { formulas.append(try NamedFormula("trained", group.name, group.formula)) }
        for group in size.fixed { formulas.append(try NamedFormula("fixed", group.name, group.formula)) }
        for part in memory.parts { formulas.append(try NamedFormula("bytes", part.name, part.formula)) }
        return formulas
    }
}

/// A formula and what it is of.
package struct NamedFormula: Hashable, Sendable {
    /// "base", "trained", "fixed" or "bytes".
    package let of: String
    package let name: String
    package let formula: Formula
    package let value: Int

    init(_ of: String, _ name: String, _ formula: Formula) throws(Failure) {
        self.of = of
        self.name = name
        self.formula = formula
        value = try formula.value()
    }

    package var document: JSONValue {
        [
            "of": .string(of), "name": .string(name), "formula": .string(formula.symbols),
            "numbers": .string(formula.numbers { "\($0)" }), "value": JSONValue(value),
        ]
    }
}

extension Architecture {
    /// What `plan --json` says of the model.
    package func document(baseBytes: Int, _ setup: TrainingSetup) throws(Failure) -> JSONObject {
        var document = JSONObject()
        document["modelType"] = .string(modelType)
        document["head"] = .string(head.rawValue)
        document["dtype"] = .string(setup.dtype.name)
        document["baseParameters"] = JSONValue(try parameterCount())
        document["baseBytes"] = JSONValue(baseBytes)
        document["optimizer"] = .string(setup.optimizer.rawValue)
        document["batchSize"] = JSONValue(setup.batchSize)
        document["maxSeqLength"] = JSONValue(setup.length)
        document["gradCheckpoint"] = .bool(setup.checkpoints)
        return document
    }
}
