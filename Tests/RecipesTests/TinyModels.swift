import Checkpoints
import DeltaAlgebra
import Diagnostics
import Files
import JSON
import Parallelism
import Recipes
import Support
import Tensors

/// Folders with tiny models, for recipes to name.
final class TinyModels: Sendable {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Writes a model of some layers.
    ///
    /// - Parameters:
    ///   - offset: Added to all elements, so that models differ.
    ///   - more: Further tensors.
    ///   - without: Names of those left out.
    func write(
        _ name: String, layers: Int = 2, dtype: DType = .f32, vocabulary: Int = 5, offset: Float = 0,
        more: [(name: String, buffer: TensorBuffer)] = [], without: Set<String> = [], config: JSONValue? = nil
    ) throws {
        var tensors: [(name: String, buffer: TensorBuffer)] = [
            ("model.embed_tokens.weight", try Self.tensor([vocabulary, 2], dtype, offset)),
            ("model.norm.weight", try Self.tensor([2], dtype, offset + 100)),
            ("lm_head.weight", try Self.tensor([vocabulary, 2], dtype, offset + 200)),
        ]
        for layer in 0..<layers {
            for part in ["self_attn.q_proj", "mlp.down_proj"] {
                let start = offset + Float(1000 * (layer + 1))
                tensors.append(("model.layers.\(layer).\(part).weight", try Self.tensor([2, 2], dtype, start)))
            }
        }
        tensors = tensors.filter { !without.contains($0.name) } + more
        try write(tensors, to: name)
        let usual: JSONValue = [
            "model_type": "llama", "num_hidden_layers": JSONValue(layers), "torch_dtype": "float32",
            "vocab_size": JSONValue(vocabulary),
        ]
        try folder.write(JSONWriter.bytes(of: config ?? usual, .compact), to: "\(name)/config.json")
    }

    func write(
        _ tensors: [(name: String, buffer: TensorBuffer)], to name: String, file: String = "model.safetensors"
    ) throws {
        try Folder.make(folder(name))
        let (header, order) = try SafetensorsWriter.headerBytes(
            tensors: tensors.map { ($0.name, $0.buffer.dtype, $0.buffer.shape) }, metadata: [("format", "pt")])
        try folder.write(
            order.reduce(into: header) { $0 += tensors[$1].buffer.bytes }, to: "\(name)/\(file)")
    }

    /// Consecutive numbers from `start` on; of bf16 whatever their upper halves are.
    static func tensor(_ shape: Shape, _ dtype: DType, _ start: Float) throws -> TensorBuffer {
        var bytes: [UInt8] = []
        for index in 0..<(try shape.elementCount()) {
            let bits = (start + Float(index)).bitPattern
            for byte in (dtype == .f32 ? 0 : 2)..<4 {
                bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * UInt32(byte))))
            }
        }
        return try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes)
    }

    /// A recipe in which `$` stands before the names of models.
    func recipe(_ text: String) throws -> Recipe {
        try Recipe(text.replacing("$", with: folder.path + "/"), path: "recipe.yml")
    }

    func plan(_ text: String, seed: UInt64 = 0) throws -> MergePlan {
        var planner = RecipePlanner(lanes: Lanes(count: 1))
        planner.seed = seed
        return try planner.plan(try recipe(text))
    }
}

extension MergePlan {
    var names: [String] { tensors.map(\.name) }

    func tensor(_ name: String) -> MergedTensorPlan? { tensors.first { $0.name == name } }

    func merge(_ name: String) -> TensorMerge? {
        if case .merge(let merge, _)? = tensor(name)?.content { merge } else { nil }
    }

    /// What a tensor is copied from.
    func copied(_ name: String) -> (any TensorSource)? {
        if case .copy(let source)? = tensor(name)?.content { source } else { nil }
    }

    /// The config that is written.
    func config() throws -> JSONValue? {
        try files.written.first { $0.name == "config.json" }.map { try JSONValue.parse($0.bytes) }
    }
}

/// The elements of an fp32 tensor.
func floats(_ source: any TensorSource) throws -> [Float] {
    let bytes = try source.readAll()
    return stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: (0..<4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32(bytes[start + $1]) })
    }
}
