import Adapters
import Checkpoints
import DeltaAlgebra
import Diagnostics
import Files
import Interchange
import JSON
import Support
import Tensors

/// The adapters and bases of `Fixtures/`, and what PEFT's merge makes of some rows of the bases.
enum MergedFixtures {
    static let root = Paths.joined(
        Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures")

    static let all: [String] = {
        let entries = (try? Folder.entries(of: Paths.joined(root, "merged"))) ?? []
        return entries.filter { $0.name.hasSuffix(".safetensors") }
            .map { String($0.name.dropLast(".safetensors".count)) }.sorted()
    }()

    static func adapter(_ name: String) throws -> Adapter {
        try PEFTFolder.read(Paths.joined(Paths.joined(root, "peft"), name)).adapter
    }

    static func base(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(
            InputFile(path: Paths.joined(root, "bases/\(name)/model.safetensors")))
    }
}

/// Rows of merged tensors, as PEFT computed them.
struct Golden {
    struct Rows {
        let target: String
        let rows: [Int]
        let values: [Float]
    }

    let base: String
    let tensors: [Rows]

    init(_ name: String) throws {
        let file = try SafetensorsFile(
            InputFile(path: Paths.joined(MergedFixtures.root, "merged/\(name).safetensors")))
        let text = file.header.metadata?.first { $0.key == "table" }?.value ?? ""
        let table = try JSONValue.parse(Array(text.utf8)).object
        base = table?["base"]?.string ?? ""
        var tensors: [Rows] = []
        for member in table?["rows"]?.object?.members ?? [] {
            guard let source = file.source(named: member.key) else { continue }
            let rows = member.value.array?.compactMap(\.int) ?? []
            tensors.append(Rows(target: member.key, rows: rows, values: try floats(of: source)))
        }
        self.tensors = tensors
    }
}

/// All elements of an fp32 tensor.
func floats(of source: any TensorSource) throws -> [Float] {
    let bytes = try source.readAll()
    return stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: (0..<4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32(bytes[start + $1]) })
    }
}

/// Applies updates to whole tensors, in blocks of rows.
struct Application {
    let file: SafetensorsFile
    let updates: AdapterUpdates
    /// How many rows go through the updates at once.
    var block = 5

    init(_ adapter: Adapter, base name: String, weight: Double = 1, isResidual: Bool = false) throws {
        try self.init(
            adapter, file: MergedFixtures.base(name), weight: weight, isResidual: isResidual,
            isTransposed: { name == "gpt-oss" && $0.contains("experts") })
    }

    init(
        _ adapter: Adapter, file: SafetensorsFile, weight: Double = 1, isResidual: Bool = false,
        isTransposed: @escaping @Sendable (String) -> Bool = { _ in false }
    ) throws {
        self.file = file
        updates = try AdapterUpdates(adapter, weight: weight, isResidual: isResidual) { target in
            file.source(named: target).map {
                BaseTensor(dtype: $0.dtype, shape: $0.shape, isTransposed: isTransposed(target))
            }
        }
    }

    func original(_ target: String) throws -> [Float] {
        guard let source = file.source(named: target) else {
            throw Failure(.baseIncompatible, "no such tensor", object: target)
        }
        return try floats(of: source)
    }

    /// What the additive updates of a tensor add up to.
    func change(of target: String) throws -> [Float] {
        var sum = [Float](repeating: 0, count: try original(target).count)
        for update in updates.updates where update.target == target {
            guard case .sum(let source) = try update.prepare() else { continue }
            for start in stride(from: 0, to: update.rows, by: block) {
                let rows = start..<min(start + block, update.rows)
                var part = Array(sum[(rows.lowerBound * update.columns)..<(rows.upperBound * update.columns)])
                var span = part.mutableSpan
                try source.add(rows: rows, to: &span)
                sum.replaceSubrange((rows.lowerBound * update.columns)..<(rows.upperBound * update.columns), with: part)
            }
        }
        return sum
    }

    func merged(_ target: String) throws -> [Float] {
        let own = updates.updates.filter { $0.target == target }
        var weights = try original(target)
        for update in own {
            if case .replace(let source) = try update.prepare() { weights = try floats(of: source) }
        }
        if own.contains(where: { $0.effect == .sum }) {
            weights = zip(weights, try change(of: target)).map { $0 + $1 }
        }
        for update in own {
            guard case .map(let source) = try update.prepare() else { continue }
            let isTurned = source.axis == .columns
            if isTurned { weights = transposed(weights, update.rows, update.columns) }
            let (rows, columns) = isTurned ? (update.columns, update.rows) : (update.rows, update.columns)
            for start in stride(from: 0, to: rows, by: block) {
                let range = start..<min(start + block, rows)
                var part = Array(weights[(range.lowerBound * columns)..<(range.upperBound * columns)])
                var span = part.mutableSpan
                try source.update(rows: range, &span)
                weights.replaceSubrange((range.lowerBound * columns)..<(range.upperBound * columns), with: part)
            }
            if isTurned { weights = transposed(weights, rows, columns) }
        }
        return weights
    }

    private func transposed(_ values: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
    }
}

extension Adapter {
    /// The same with every measured factor's magnitude, so that its change bounds the sums of the other's.
    func absolute() throws -> Adapter {
        var adapter = self
        for index in adapter.entries.indices {
            let entry = adapter.entries[index]
            adapter.entries[index] = AdapterEntry(
                key: entry.key, parameters: entry.parameters,
                tensors: try entry.tensors.map { tensor in
                    guard tensor.source.dtype.isFloat, tensor.role.isFactor,
                        ![Role.logitsA, .logitsB].contains(tensor.role)
                    else { return tensor }
                    var bytes = try tensor.source.readAll()
                    let width = tensor.source.dtype.bits / 8
                    for last in stride(from: width - 1, to: bytes.count, by: width) { bytes[last] &= 0x7F }
                    return RoleTensor(
                        tensor.role,
                        try TensorBuffer(dtype: tensor.source.dtype, shape: tensor.source.shape, bytes: bytes))
                })
        }
        return adapter
    }
}
