import Adapters
import Checkpoints
import Diagnostics
import Tensors

/// The tensors of an adapter as PEFT would write them to a safetensors file.
struct SafetensorsLayout {
    let header: [UInt8]
    /// In the order of their bytes.
    let sources: [any TensorSource]

    /// Throws ``Failure/Code/notExportable`` for what PEFT has no key for.
    init(_ adapter: Adapter) throws(Failure) {
        let writer = KeyWriter(adapter)
        var tensors: [(name: String, dtype: DType, shape: Shape)] = []
        var sources: [any TensorSource] = []
        for entry in adapter.entries where entry.key.kind != .file {
            for tensor in entry.tensors {
                tensors.append(
                    (try writer.key(of: tensor.role, in: entry), tensor.source.dtype, tensor.source.shape))
                sources.append(tensor.source)
            }
            for empty in entry.parameters.emptyTensors ?? [] {
                tensors.append((try writer.key(of: empty.role, in: entry), empty.dtype, empty.shape))
                sources.append(try TensorBuffer(dtype: empty.dtype, shape: empty.shape, bytes: []))
            }
        }
        let (header, order) = try SafetensorsWriter.headerBytes(tensors: tensors, metadata: [("format", "pt")])
        self.header = header
        self.sources = order.map { sources[$0] }
    }
}
