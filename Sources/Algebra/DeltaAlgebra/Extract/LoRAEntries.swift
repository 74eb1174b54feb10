import Adapters
import Checkpoints
import Diagnostics
import Tensors

/// How products of thin matrices become entries of kind `lora`, and the config that belongs to them, as PEFT has both.
struct LoRAEntries {
    let pair: CheckpointPair

    /// Whether PEFT has a layer for such a weight: a matrix, or the filters of a convolution over planes. One input
    /// channel is taken for a convolution of one group a channel, of whose factors PEFT expects more.
    static func canHold(_ name: String, _ shape: Shape) -> Bool {
        guard name.hasSuffix(".weight") else { return false }
        return shape.rank == 2 || shape.rank == 4 && shape.dimensions[1] > 1
    }

    /// The entry of a change B·A, with B [out, r] and A [r, in·k…], of the base's tensor `number`.
    func entry(
        _ name: String, _ factors: LowRankResult.Factors, _ number: Int
    ) throws(Failure) -> AdapterEntry {
        let dimensions = pair.base.tensors[number].shape.dimensions
        if dimensions.count > 2 {
            let ones = [Int](repeating: 1, count: dimensions.count - 2)
            let a = try factors.a.reshaped(Shape([factors.rank] + dimensions.dropFirst()))
            let b = try factors.b.reshaped(Shape([dimensions[0], factors.rank] + ones))
            return AdapterEntry(
                key: EntryKey(name, .lora), tensors: [RoleTensor(.a, a), RoleTensor(.b, b)],
                binding: pair.baseBinding(number))
        }
        guard Self.isEmbedding(name) || pair.base.config.isTransposed(name) else {
            return AdapterEntry(
                key: EntryKey(name, .lora), tensors: [RoleTensor(.a, factors.a), RoleTensor(.b, factors.b)],
                binding: pair.baseBinding(number))
        }
        // Of an embedding, and of a layer that keeps its weights as [in, out], the stored change is (B·A)ᵀ.
        return AdapterEntry(
            key: EntryKey(name, .lora), parameters: Self.isEmbedding(name) ? ["form": "embedding"] : [:],
            tensors: [RoleTensor(.a, try factors.b.transposed()), RoleTensor(.b, try factors.a.transposed())],
            binding: pair.baseBinding(number))
    }

    private static let embeddings = [
        "embed_tokens", "wte", "wpe", "word_embeddings", "position_embeddings", "token_type_embeddings", "shared",
        "embed_in", "tok_embeddings", "relative_attention_bias",
    ]

    private static func isEmbedding(_ name: String) -> Bool {
        embeddings.contains { name.hasSuffix("\($0).weight") }
    }

    /// The config whose scale is 1 for every module: alpha is the rank.
    func parameters(_ ranks: [(name: String, rank: Int)]) -> Parameters {
        let ranks = ranks.map { (module: String($0.name.dropLast(".weight".count)), rank: $0.rank) }
        let modules = targetNames(ranks.map(\.module))
        let largest = max(1, ranks.map(\.rank).max() ?? 1)
        var parameters: Parameters = [
            "r": .int(Int64(largest)), "lora_alpha": .int(Int64(largest)),
            "target_modules": .list(Self.sorted(modules)),
        ]
        let others = ranks.filter { $0.rank != largest }.map {
            ParameterValue.Member($0.module, .int(Int64($0.rank)))
        }
        if !others.isEmpty {
            parameters["rank_pattern"] = .map(others)
            parameters["alpha_pattern"] = .map(others)
        }
        parameters = Method.lora.parameters(of: parameters.members)
        if !ranks.isEmpty, ranks.allSatisfy({ pair.base.config.isTransposed("\($0.module).weight") }) {
            parameters["fan_in_fan_out"] = .bool(true)
        }
        if let type = pair.base.config.taskType { parameters["task_type"] = .string(type) }
        return parameters
    }

    /// The last component of paths where all modules of that name are targets, and else the whole path.
    private func targetNames(_ modules: [String]) -> [String] {
        let targets = Set(modules)
        var all: [String: Bool] = [:]
        for tensor in pair.base.tensors where [2, 4].contains(tensor.shape.rank) && tensor.name.hasSuffix(".weight") {
            let module = String(tensor.name.dropLast(".weight".count))
            all[module.lastComponent, default: true] =
                all[module.lastComponent, default: true] && targets.contains(module)
        }
        return modules.map { all[$0.lastComponent] == true ? $0.lastComponent : $0 }
    }

    static func sorted(_ names: [String]) -> [ParameterValue] {
        Set(names).sorted { $0.precedesInBytes($1) }.map { .string($0) }
    }
}

extension String {
    fileprivate var lastComponent: String { split(separator: ".").last.map(String.init) ?? self }
}

extension CheckpointPair {
    /// That of an entry which comes near to a tensor's change.
    func baseBinding(_ number: Int) -> EntryBinding {
        EntryBinding(base: 0, baseLeaf: baseFingerprint.leaves[number])
    }

    var baseReference: BaseReference {
        BaseReference(
            root: baseFingerprint.root, headerDigest: baseFingerprint.headerDigest,
            tensorCount: baseFingerprint.tensorCount, byteCount: baseFingerprint.byteCount)
    }
}

extension TensorBuffer {
    fileprivate func reshaped(_ shape: Shape) throws(Failure) -> TensorBuffer {
        try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes)
    }

    /// The transpose of a matrix.
    fileprivate func transposed() throws(Failure) -> TensorBuffer {
        let (rows, columns) = (shape.dimensions[0], shape.dimensions[1])
        let width = dtype.width ?? 1
        var turned = [UInt8](repeating: 0, count: byteCount)
        for row in 0..<rows {
            for column in 0..<columns {
                for place in 0..<width {
                    turned[(column * rows + row) * width + place] = bytes[(row * columns + column) * width + place]
                }
            }
        }
        return try TensorBuffer(dtype: dtype, shape: [columns, rows], bytes: turned)
    }
}
