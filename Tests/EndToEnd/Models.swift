import Files
import JSON
import Support

/// The models that the fixtures' adapters were made for, and changed copies of them.
enum Models {
    static func path(_ name: String) -> String { Paths.joined(Fixtures.root, "bases/" + name) }

    static func weights(_ folder: String) throws -> Checkpoint {
        try Checkpoint(Paths.joined(folder, "model.safetensors"))
    }

    /// Copies a model with other tensors: `change` gives a tensor in place of each, or nil for none.
    static func copy(
        _ name: String, to folder: String, _ change: (String, Checkpoint.Tensor) -> Checkpoint.Tensor?
    ) throws {
        try copyFolder(path(name), to: folder)
        let tensors = try weights(folder).tensors.compactMap { name, tensor in change(name, tensor).map { (name, $0) } }
        try write(tensors, to: Paths.joined(folder, "model.safetensors"))
    }

    /// Writes a safetensors file without the library under test.
    static func write(_ tensors: [(name: String, tensor: Checkpoint.Tensor)], to path: String) throws {
        var header = JSONObject()
        var data: [UInt8] = []
        for (name, tensor) in tensors.sorted(by: { $0.name < $1.name }) {
            header[name] = [
                "dtype": .string(tensor.dtype), "shape": .array(tensor.shape.map { JSONValue($0) }),
                "data_offsets": [JSONValue(data.count), JSONValue(data.count + tensor.bytes.count)],
            ]
            data += tensor.bytes
        }
        let text = JSONWriter.bytes(of: .object(header), .compact)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) }
        try writeFile(length + text + data, to: path)
    }
}

extension Checkpoint.Tensor {
    /// The same with one bit of a byte turned.
    func flipped(byte: Int) -> Self {
        var bytes = bytes
        bytes[byte] ^= 1
        return Self(dtype: dtype, shape: shape, bytes: bytes)
    }

    /// The same with zeros in a shape of other rows.
    func resized(rows: Int) -> Self {
        let row = bytes.count / shape[0]
        let all = bytes + [UInt8](repeating: 0, count: max(0, rows - shape[0]) * row)
        return Self(dtype: dtype, shape: [rows] + shape.dropFirst(), bytes: Array(all.prefix(rows * row)))
    }

    init(f32 values: [Float], _ shape: [Int]) {
        self.init(
            dtype: "F32", shape: shape,
            bytes: values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } })
    }
}

/// Rows of merged tensors, as PEFT computed them: `Fixtures/merged`.
struct MergedRows {
    static let all: [String] = {
        let entries = (try? Folder.entries(of: Paths.joined(Fixtures.root, "merged"))) ?? []
        return entries.filter { $0.name.hasSuffix(".safetensors") }.map { String($0.name.dropLast(12)) }
    }()

    let base: String
    let tensors: [(name: String, rows: [Int], values: [Double])]

    init(_ name: String) throws {
        let path = Paths.joined(Fixtures.root, "merged/\(name).safetensors")
        let bytes = try contents(of: path)
        let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << ($1 * 8) }
        let header = try JSONValue.parse(Array(bytes[8..<8 + length]))
        let table = try JSONValue.parse(Array((header["__metadata__"]?["table"]?.string ?? "").utf8))
        let values = try Checkpoint(path)
        base = table["base"]?.string ?? ""
        tensors = (table["rows"]?.object?.members ?? []).map { member in
            (member.key, (member.value.array ?? []).compactMap(\.int), values.tensors[member.key]?.floats ?? [])
        }
    }

    /// The largest difference from `merged`, against what the dtype's rounding, `unit`, and fp32 sums allow.
    func worst(_ merged: Checkpoint, unit: Double = 0) -> Double {
        var worst = 0.0
        for (name, rows, values) in tensors {
            guard let tensor = merged.tensors[name] else { return .infinity }
            let floats = tensor.floats
            let columns = values.count / max(1, rows.count)
            for (index, row) in rows.enumerated() {
                let own = values[index * columns..<(index + 1) * columns]
                let norm = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
                for (column, value) in own.enumerated() {
                    let difference = abs(floats[row * columns + column] - value)
                    worst = max(worst, difference / (2e-6 * max(norm, 1e-3) + unit * abs(value)))
                }
            }
        }
        return worst
    }
}
