import Adapters
import Checkpoints
import DeltaAlgebra
import Diagnostics
import Digests
import Files
import Interchange
import JSON
import LinearAlgebra
import Parallelism
import Tensors
import Testing

/// `Fixtures/merge`: what the fp64 reference makes of small adapters.
enum MergeFixtures {
    static let root = Paths.joined(MergedFixtures.root, "merge")

    static func adapter(_ name: String, weight: Double) throws -> WeightedAdapter {
        let path = Paths.joined(root, "adapters/\(name)")
        return WeightedAdapter(
            try PEFTFolder.read(path).adapter, contentDigest: SHA256.hash(Array(name.utf8)), path: path, weight: weight)
    }

    static func cases(_ list: String) -> [MergeCase] {
        guard let file = try? InputFile(path: Paths.joined(root, "cases.json")),
            let bytes = try? file.read(at: 0, count: file.size),
            let cases = try? JSONValue.parse(bytes)[list]?.array
        else { return [] }
        return cases.compactMap(MergeCase.init)
    }

    /// The tensors of a case, under their names without the case's.
    static func expected(_ file: String, _ name: String) throws -> [String: RealMatrix] {
        let file = try SafetensorsFile(InputFile(path: Paths.joined(root, "\(file).safetensors")))
        var found: [String: RealMatrix] = [:]
        for tensor in file.header.tensors where tensor.name.hasPrefix(name + "/") {
            guard let source = file.source(named: tensor.name) else { continue }
            let bytes = try source.readAll()
            let values = stride(from: 0, to: bytes.count, by: 8).map { start in
                Double(bitPattern: (0..<8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64(bytes[start + $1]) })
            }
            let sides = source.shape.dimensions
            found[String(tensor.name.dropFirst(name.utf8.count + 1))] = RealMatrix(
                rows: sides[0], columns: sides[1], values)
        }
        return found
    }
}

/// One of the reference's cases.
struct MergeCase: Sendable, CustomTestStringConvertible {
    let name: String
    let method: String
    let adapters: [String]
    let weights: [Double]
    let options: AdapterMergeOptions
    let sign: PEFTCombination.Sign

    var testDescription: String { name }

    init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let method = (json["method"] ?? json["combination"])?.string,
            let adapters = json["adapters"]?.array?.compactMap(\.string),
            let weights = json["weights"]?.array?.compactMap(\.double)
        else { return nil }
        self.name = name
        self.method = method
        self.adapters = adapters
        self.weights = weights
        sign = json["sign"]?.string.flatMap(PEFTCombination.Sign.init) ?? .total
        var options = AdapterMergeOptions()
        let told = json["options"] ?? json
        options.rank = json["rank"]?.int
        options.density = told["density"]?.double ?? options.density
        options.epsilon = told["epsilon"]?.double ?? options.epsilon
        options.gamma = told["gamma"]?.double ?? options.gamma
        options.selectTopk = told["select_topk"]?.double ?? options.selectTopk
        options.rounds = told["max_iter"]?.int ?? options.rounds
        options.tolerance = told["tol"]?.double ?? options.tolerance
        options.seed = UInt64(told["seed"]?.int ?? 0)
        self.options = options
    }

    func opened() throws -> [WeightedAdapter] {
        try zip(adapters, weights).map { try MergeFixtures.adapter($0, weight: $1) }
    }
}

extension Adapter {
    /// s·B·A of every module, in fp64.
    func changes() throws -> [String: RealMatrix] {
        var changes: [String: RealMatrix] = [:]
        for entry in entries where entry.key.kind == .lora {
            changes[entry.modulePath] = try change(of: entry)
        }
        return changes
    }

    func change(of entry: AdapterEntry) throws -> RealMatrix {
        guard let a = try entry[.a]?.matrix(), let b = try entry[.b]?.matrix() else {
            throw Failure(.kindShape, "no factors")
        }
        return (b * a).scaled(by: try loraScale(of: entry))
    }
}

extension TensorSource {
    /// An fp32 tensor, its first dimension against all others.
    func matrix() throws -> RealMatrix {
        let values = try floats(of: self).map(Double.init)
        let rows = shape.dimensions[0]
        return RealMatrix(rows: rows, columns: values.count / max(1, rows), values)
    }
}

extension RealMatrix {
    /// ‖self − other‖ in parts of ‖other‖, and ‖self‖ where that is 0.
    func relativeError(to other: RealMatrix) -> Double {
        var difference = self
        difference.add(-1, times: other)
        let norm = other.dot(other).squareRoot()
        return difference.dot(difference).squareRoot() / (norm > 0 ? norm : 1)
    }
}
