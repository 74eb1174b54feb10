import Adapters
import Diagnostics
import Tensors

/// Prompts and prefixes: the virtual tokens of one adapter after those of the other, bit for bit.
struct TokenMerge {
    let adapters: [WeightedAdapter]

    /// Throws ``Failure/Code/notMergeable`` for tokens of models of different sizes, and for those of several tasks.
    func merged() throws(Failure) -> Adapter {
        let first = adapters[0].adapter
        var result = Adapter(method: first.method, parameters: first.parameters)
        var parts: [any TensorSource] = []
        var key: EntryKey?
        for one in adapters {
            let entries = one.adapter.entries.filter { $0.key.kind != .file && $0.key.kind != .full }
            guard entries.count == 1, let entry = entries.first, entry.tensors.map(\.role) == [.value],
                let source = entry[.value], source.shape.rank == 2
            else {
                throw Failure(
                    .notMergeable, "its virtual tokens are not one table", path: one.path,
                    hint: "prompts of several tasks cannot be put one after another")
            }
            if let other = one.adapter.parameters["num_transformer_submodules"]?.int, other > 1 {
                throw Failure(
                    .notMergeable, "its table holds tokens of an encoder and of a decoder", path: one.path)
            }
            if let head = parts.first,
                head.shape.dimensions[1] != source.shape.dimensions[1] || head.dtype != source.dtype
            {
                throw Failure(
                    .notMergeable, "the adapters have virtual tokens of different width or dtype", path: one.path,
                    expected: "\(head.shape.dimensions[1]) of \(head.dtype.name)",
                    actual: "\(source.shape.dimensions[1]) of \(source.dtype.name)")
            }
            parts.append(source)
            key = key ?? entry.key
        }
        guard let key else { return result }
        let rows = parts.reduce(0) { $0 + $1.shape.dimensions[0] }
        var bytes: [UInt8] = []
        for part in parts { bytes += try part.readAll() }
        let table = try TensorBuffer(
            dtype: parts[0].dtype, shape: [rows, parts[0].shape.dimensions[1]], bytes: bytes)
        result.parameters["num_virtual_tokens"] = .int(Int64(rows))
        result.entries = [AdapterEntry(key: key, tensors: [RoleTensor(.value, table)])]
        return result
    }
}
