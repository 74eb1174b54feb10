import Adapters
import Checkpoints
import Diagnostics
import Files
import Tensors

/// The file that holds an adapter's tensors, in either format.
struct WeightsFile {
    let file: InputFile
    let tensors: [NamedTensor]
    private let header: [UInt8]

    init(_ file: InputFile) throws(Failure) {
        self.file = file
        guard !file.path.hasSuffix(".bin") else {
            throw Failure(.pickleRefused, "pickles are not read yet", path: file.path)
        }
        let safetensors = try SafetensorsFile(file)
        header = safetensors.header.bytes
        tensors = safetensors.tensors.indices.map {
            NamedTensor(name: safetensors.tensors[$0].name, source: safetensors.source(at: $0))
        }
    }

    /// The entry that gives the file back. Where its header is the one that export would make, nothing is kept of it.
    func fileEntry(for adapter: Adapter) throws(Failure) -> AdapterEntry {
        var tensors: [RoleTensor] = []
        if try SafetensorsLayout(adapter).header != header {
            tensors = [RoleTensor(.frame, FileBytes(file, 0..<header.count))]
        }
        return AdapterEntry(
            key: EntryKey(PEFTFolder.weightsName, .file), parameters: ["layout": "safetensors"], tensors: tensors)
    }
}

/// The tensors of an adapter as PEFT would write them to a safetensors file.
struct SafetensorsLayout {
    let header: [UInt8]
    /// In the order of their bytes.
    let sources: [any TensorSource]

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
