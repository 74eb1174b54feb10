import Checkpoints
import Diagnostics
import Files
import JSON
import Support
import Tensors

/// A tensor to be written, with bytes that its seed decides.
struct Sample: Sendable {
    let name: String
    let buffer: TensorBuffer

    init(_ name: String, _ dtype: DType, _ shape: Shape, seed: Int = 0) throws(Failure) {
        self.name = name
        let bytes = (0..<(try shape.byteCount(dtype))).map { UInt8(($0 * $0 + 7 * $0 + seed) % 251) }
        buffer = try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes)
    }

    /// Of many types, one empty, one a scalar, some with more than one leaf, in no particular order.
    static func all() throws(Failure) -> [Sample] {
        [
            try Sample("b.weight", .bf16, [300, 256], seed: 1), try Sample("a.weight", .f32, [5, 3], seed: 2),
            try Sample("Z", .i64, [], seed: 3), try Sample("empty", .f16, [0, 4]),
            try Sample("\u{E9}", .u8, [65536], seed: 4), try Sample("a", .f8e4m3, [65537], seed: 5),
        ]
    }
}

/// A safetensors file of these tensors.
func weights(_ samples: [Sample], metadata: [(key: String, value: String)]? = [("format", "pt")]) throws -> [UInt8] {
    let (bytes, order) = try SafetensorsWriter.headerBytes(
        tensors: samples.map { ($0.name, $0.buffer.dtype, $0.buffer.shape) }, metadata: metadata)
    return order.reduce(into: bytes) { $0 += samples[$1].buffer.bytes }
}

/// An index of these pairs of tensor and file.
func index(_ map: [(String, String)]) -> [UInt8] {
    var object = JSONObject()
    for (tensor, file) in map { object[tensor] = .string(file) }
    return JSONWriter.bytes(of: ["metadata": ["total_size": 1], "weight_map": .object(object)], .compact)
}

extension TemporaryFolder {
    /// Writes files of weights, and the index that fits them, into this folder.
    func writeShards(_ shards: [(name: String, samples: [Sample])]) throws {
        for (name, samples) in shards { try write(try weights(samples), to: name) }
        let map = shards.flatMap { shard in shard.samples.map { ($0.name, shard.name) } }
        try write(index(map), to: "model.safetensors.index.json")
    }
}
