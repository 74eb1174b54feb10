import Adapters
import Checkpoints
import Diagnostics
import Files
import Tensors

/// The file that holds an adapter's tensors, in either format.
struct WeightsFile {
    let file: InputFile
    let tensors: [NamedTensor]
    private let format: Format

    private enum Format {
        /// The file's first bytes, up to its tensors.
        case safetensors(header: [UInt8])
        case torch(TorchFile)
    }

    init(_ file: InputFile) throws(Failure) {
        self.file = file
        if file.path.hasSuffix(PEFTFolder.pickleName) {
            let torch = try TorchFile(file)
            // PEFT writes none, and a few bytes of file could stand for any number of elements.
            if let tensor = torch.tensors.first(where: \.source.isExpanded) {
                throw Failure(
                    .pickleRefused, "the tensor has more elements than its storage", object: tensor.name,
                    path: file.path)
            }
            tensors = torch.tensors.map { NamedTensor(name: $0.name, source: $0.source) }
            format = .torch(torch)
        } else {
            let safetensors = try SafetensorsFile(file)
            tensors = safetensors.tensors.indices.map {
                NamedTensor(name: safetensors.tensors[$0].name, source: safetensors.source(at: $0))
            }
            format = .safetensors(header: safetensors.header.bytes)
        }
    }

    /// The entry that gives the file back, once the tensors of `adapter` are in the order of their entries.
    func fileEntry(for adapter: Adapter) throws(Failure) -> AdapterEntry {
        switch format {
        case .safetensors(let header):
            // A header that export would make again is not kept.
            let isPlain = try SafetensorsLayout(adapter).header == header
            return AdapterEntry(
                key: EntryKey(PEFTFolder.weightsName, .file), parameters: ["layout": "safetensors"],
                tensors: isPlain ? [] : [RoleTensor(.frame, FileBytes(file, 0..<header.count))])
        case .torch(let torch):
            return try SplicedFile.entry(of: file, tensors: torch.tensors, adapter: adapter)
        }
    }
}
