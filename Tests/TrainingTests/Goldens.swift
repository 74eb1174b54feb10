import Adapters
import Architectures
import Checkpoints
import Diagnostics
import Files
import Insertions
import Interchange
import JSON
import Kernels
import Layers
import Networks
import Tensors
import Training

/// What PyTorch and PEFT computed in fp64 for a tiny model: `Fixtures/training/README.md`.
struct Golden {
    let name: String
    let base: String
    let task: ModelTask
    let trained: String
    let learningRate: Double
    /// What of the config only training looks at.
    let schedule: Parameters
    /// The config of a case without an adapter to begin with.
    let settings: Parameters

    private static let folder = Paths.joined(
        Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures/training")

    /// A tiny base.
    static func checkpoint(_ base: String) throws -> Checkpoint { try Checkpoint(path: folder + "/bases/" + base) }

    static let all: [Golden] = {
        guard let cases = document["cases"]?.array else { return [] }
        return cases.compactMap { one in
            guard let name = one["name"]?.string, let base = one["base"]?.string, let trained = one["trained"]?.string
            else { return nil }
            return Golden(
                name: name, base: base, task: one["task"]?.string.flatMap(ModelTask.init) ?? .causal, trained: trained,
                learningRate: one["learningRate"]?.double ?? 0,
                schedule: parameters(one["schedule"]), settings: parameters(one["settings"]))
        }
    }()

    private static func parameters(_ document: JSONValue?) -> Parameters {
        var parameters = Parameters()
        for (key, value) in document?.object?.members ?? [] { parameters[key] = try? ParameterValue(value) }
        return parameters
    }

    private static let document: JSONValue = {
        let path = folder + "/cases.json"
        guard let file = try? InputFile(path: path), let bytes = try? file.read(at: 0, count: file.size) else {
            return nil
        }
        return (try? JSONValue.parse(bytes, path: path)) ?? nil
    }()

    /// The rows of the one batch.
    static let rows: [GoldenRow] = (document["batch"]?.array ?? []).map { row in
        func numbers(_ key: String) -> [Int32] { (row[key]?.array ?? []).compactMap { $0.int.map(Int32.init) } }
        return GoldenRow(
            ids: numbers("inputIds"), labels: numbers("labels"), types: numbers("tokenTypeIds"),
            classes: numbers("tokenClasses"), number: Double(row["class"]?.int ?? 0), value: row["value"]?.double ?? 0)
    }

    /// All rows, or some, as a base of the task is asked.
    static func batch(_ chosen: [Int]? = nil, for task: ModelTask = .causal, hasTypes: Bool = false) -> Batch {
        let rows = (chosen ?? Array(rows.indices)).map { Golden.rows[$0].row(for: task, hasTypes: hasTypes) }
        return Packing.batches(of: rows, tokensPerPass: 1 << 20)[0]
    }

    func batch(_ chosen: [Int]? = nil) -> Batch {
        Golden.batch(chosen, for: task, hasTypes: base.hasPrefix("bert"))
    }

    func checkpoint() throws -> Checkpoint { try Golden.checkpoint(base) }

    /// The model with what the case trains in it, if anything.
    func model<R: Real>(_ engine: Engine<R>) throws -> (network: Network<R>, inserted: Inserted<R>) {
        let network = try Network<R>(of: checkpoint(), length: 64)
        var inserted = try insert(into: network, engine)
        let entries = trained == "adapter" ? try adapter().entries : nil
        try inserted.add(network.sites.saved, InsertionPlan(parameters: [:], entries: entries))
        return (network, inserted)
    }

    private func insert<R: Real>(into network: Network<R>, _ engine: Engine<R>) throws -> Inserted<R> {
        switch trained {
        case "beginning":
            let plan = InsertionPlan(parameters: settings)
            let inserted = try LoRA().insert(plan, into: network.sites, engine)
            try inserted.initialize(engine) { () throws(Failure) in _ = network.loss(Golden.batch(), engine) }
            return inserted
        case "adapter":
            let adapter = try adapter()
            guard let method = TrainableMethods.all.first(where: { $0.canHold(adapter) }) else {
                throw Failure(.internal, "no method holds \(name)")
            }
            var parameters = adapter.parameters
            parameters["modules_to_save"] = nil
            for member in schedule.members { parameters[member.key] = member.value }
            let plan = InsertionPlan(parameters: parameters, entries: adapter.entries, steps: 5)
            return try method.insert(plan, into: network.sites, engine)
        case "encoder":
            // What makes the adapter is trained, and what it makes is saved.
            let adapter = try adapter()
            let inserted = try PrefixTuning().insert(
                InsertionPlan(parameters: adapter.parameters), into: network.sites, engine)
            let start = try SafetensorsFile(InputFile(path: "\(Golden.folder)/cases/\(name)/encoder.safetensors"))
            for tensor in inserted.tensors {
                let (name, value) = (tensor.parameter.name, tensor.parameter.value)
                guard let source = start.source(named: name) else { throw Failure(.internal, "no \(name)") }
                value.copy(from: try Matrix(source, rows: value.rows, columns: value.columns, name: name))
            }
            return inserted
        default:
            // Where nothing is trained there are gradients all the same, as if everything were.
            let method: any TrainableMethod = trained == "biases" ? BitFit() : FullTuning()
            return try method.insert(InsertionPlan(parameters: [:]), into: network.sites, engine)
        }
    }

    /// Where training begins, as PEFT saved it.
    func adapter() throws -> Adapter { try PEFTFolder.read("\(Golden.folder)/cases/\(name)/adapter").adapter }

    /// What PyTorch computed.
    func file() throws -> SafetensorsFile {
        try SafetensorsFile(InputFile(path: "\(Golden.folder)/cases/\(name)/golden.safetensors"))
    }
}

/// What is asked of the same row by models of different tasks.
struct GoldenRow {
    let ids: [Int32]
    /// At their own tokens' places.
    let labels: [Int32]
    let types: [Int32]
    let classes: [Int32]
    let number: Double
    let value: Double

    func row(for task: ModelTask, hasTypes: Bool) -> Row {
        let types = hasTypes ? types : []
        let none = ids.map { _ in Batch.ignored }
        return switch task {
        case .causal: Row(inputs: ids, labels: labels, line: 1)
        case .masked: Row(inputs: ids, labels: labels, question: .own, types: types, line: 1)
        case .tokenClassification: Row(inputs: ids, labels: classes, question: .own, types: types, line: 1)
        case .classification: Row(inputs: ids, labels: none, question: .whole(number), types: types, line: 1)
        case .regression: Row(inputs: ids, labels: none, question: .whole(value), types: types, line: 1)
        }
    }
}

extension SafetensorsFile {
    /// A tensor of F64, nil where there is none of the name.
    func doubles(_ name: String) throws -> [Double]? {
        guard let source = source(named: name) else { return nil }
        let bytes = try source.readAll()
        return stride(from: 0, to: bytes.count, by: 8).map { place in
            Double(bitPattern: (0..<8).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) })
        }
    }
}

extension TrainedTensor {
    /// The names that PEFT may give it in a file.
    var names: [String] {
        let module =
            "base_model.model." + (key.target.hasSuffix(".weight") ? String(key.target.dropLast(7)) : key.target)
        return switch (key.kind, role) {
        case (.lora, .a): [module + ".lora_A.weight"]
        case (.lora, .b): [module + ".lora_B.weight"]
        case (.lora, _): [module + ".lora_magnitude_vector"]
        case (.adalora, .a): [module + ".lora_A"]
        case (.adalora, .b): [module + ".lora_B"]
        case (.adalora, _): [module + ".lora_E"]
        case (.sparse, _): [module + ".shira_weight"]
        case (.ia3, _): [module + ".ia3_l"]
        case (.prompt, _): ["prompt_embeddings"]
        case (.prefix, _): [parameter.name]
        case (.gatedPrompt, _): ["base_model.model." + parameter.name]
        case (.bias, _):
            [key.target, "base_model.model." + key.target, module.replacingBias]
        default:
            [
                key.target, "base_model.model." + key.target, module + ".ln_tuning_layers.weight",
                module.replacingLNBias,
            ]
        }
    }
}

extension String {
    fileprivate var replacingLNBias: String { hasSuffix(".bias") ? dropLast(5) + ".ln_tuning_layers.bias" : self }
    fileprivate var replacingBias: String { hasSuffix(".bias") ? dropLast(5) + ".base_layer.bias" : self }
}

/// Singular vectors have free signs: those of each layer's factors, against where PyTorch begins.
struct Signs {
    private var signs: [String: [Double]] = [:]

    init<R: Real>(_ inserted: Inserted<R>, _ file: SafetensorsFile) throws {
        for tensor in inserted.tensors where tensor.role == .a {
            guard let start = try tensor.names.lazy.compactMap({ try file.doubles("start." + $0) }).first else {
                continue
            }
            let value = tensor.parameter.value
            let columns = value.columns
            signs[tensor.key.target] = (0..<value.rows).map { (row: Int) -> Double in
                var product = 0.0
                for column in 0..<columns { product += Double(value[row, column]) * start[row * columns + column] }
                return product < 0 ? -1 : 1
            }
        }
    }

    /// The numbers of a matrix like the tensor's, with PyTorch's signs.
    func values<R: Real>(_ matrix: Matrix<R>, of tensor: TrainedTensor<R>) -> [Double] {
        guard let signs = signs[tensor.key.target] else { return matrix.values.map { Double($0) } }
        return matrix.values.enumerated().map { place, value in
            let k = tensor.role == .a ? place / matrix.columns : place % matrix.columns
            return signs[k] * Double(value)
        }
    }
}

/// ‖a − b‖ / ‖b‖.
func distance<R: Real>(_ a: [R], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    let difference = zip(a, b).reduce(0.0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    let size = b.reduce(0.0) { $0 + $1 * $1 }
    return size == 0 ? difference.squareRoot() : (difference / size).squareRoot()
}
