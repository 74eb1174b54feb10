import Adapters
import DeltaFormat
import Digests
import Files
import Parallelism
import Reports
import Support
import Tensors

/// The fixtures, and small adapters made up.
enum Collections {
    static let root = Paths.joined(Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures")

    static let fixtures: [String] = {
        let entries = try? Folder.entries(of: Paths.joined(root, "peft"))
        return (entries ?? []).filter { $0.kind == .folder }.map(\.name)
    }()

    static func fixture(_ name: String) -> String { Paths.joined(root, "peft/\(name)") }

    static let lanes = Lanes(count: 2)

    /// What a tool would find at `paths`.
    static func report(_ paths: [String], bases: [String] = [], readsValues: Bool = true) throws -> StorageReport {
        var finder = HoldingFinder()
        for path in paths { try finder.look(at: path) }
        return try ReportBuilder(
            lanes: lanes, bases: try bases.map { try KnownBase(path: $0) }, readsValues: readsValues
        ).report(on: finder.holdings, broken: finder.broken, others: finder.others)
    }

    static func floats(_ values: [Float], _ shape: Shape) throws -> TensorBuffer {
        try TensorBuffer(
            dtype: .f32, shape: shape,
            bytes: values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } })
    }

    /// A LoRA on one matrix of 64 rows and columns.
    static func lora(rank: Int = 4, seed: UInt64 = 1, base: Int? = nil, zeroB: Bool = false) throws -> Adapter {
        var random = RepeatableRandom(seed: seed)
        func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
        let a = try floats(numbers(rank * 64), [rank, 64])
        let b = try floats(zeroB ? [Float](repeating: 0, count: 64 * rank) : numbers(64 * rank), [64, rank])
        var adapter = Adapter(
            method: "lora", parameters: ["r": .int(Int64(rank)), "lora_alpha": .int(8)],
            entries: [
                AdapterEntry(
                    key: EntryKey("model.layers.0.q_proj.weight", .lora), parameters: ["scale": 2],
                    tensors: [RoleTensor(.a, a), RoleTensor(.b, b)])
            ])
        if let base {
            adapter.bases = [
                BaseReference(
                    root: SHA256.hash([1]), headerDigest: SHA256.hash([2]), tensorCount: 3, byteCount: base)
            ]
            for index in adapter.entries.indices { adapter.entries[index].binding = EntryBinding(base: 0) }
        }
        return adapter
    }

    @discardableResult
    static func write(_ adapter: Adapter, to path: String, _ compression: Compression = .standard) throws -> Int {
        let file = try OutputFile.create(at: path, replacing: true, durability: .none)
        _ = try ContainerWriter(compression: compression, lanes: lanes).write(adapter, to: file)
        try file.commit()
        return file.byteCount
    }
}
