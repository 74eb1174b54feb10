import Adapters
import Checkpoints
import Diagnostics
import Files
import Parallelism
import Tensors

/// The file of weights about to be written.
struct WeightsOutput {
    private let header: [UInt8]
    private let sources: [any TensorSource]
    private(set) var findings: [Finding] = []

    /// The longest header of a safetensors file, with its length.
    private static let frameLimit = SafetensorsHeader.maximumByteCount + 8

    /// With an original's entry, the file it was; without, the one PEFT would write.
    init(_ adapter: Adapter, original: AdapterEntry?) throws(Failure) {
        if let frame = original?[.frame] {
            let bytes = try frame.readAll(atMost: Self.frameLimit, of: PEFTFolder.weightsName)
            if let layout = try Self.framed(adapter, bytes) {
                header = layout.header
                sources = layout.sources
                return
            }
            findings.append(
                Finding(
                    "weights-rebuilt", "the tensors are not those the original held, so the file is made anew",
                    object: PEFTFolder.weightsName))
        }
        let layout = try SafetensorsLayout(adapter)
        header = layout.header
        sources = layout.sources
    }

    func write(to folder: OutputFolder, lanes: Lanes, observing: BlockObserving?) throws(Failure) -> [Finding] {
        let file = try folder.file(named: PEFTFolder.weightsName)
        try SafetensorsWriter.write(
            header: header, sources: sources, to: file, lanes: lanes, observer: observing?(sources))
        try file.commit()
        return findings
    }

    /// The tensors in the order of a stored header; nil where they are others than it describes.
    private static func framed(
        _ adapter: Adapter, _ frame: [UInt8]
    ) throws(Failure) -> (header: [UInt8], sources: [any TensorSource])? {
        var held: [EntryKey: AdapterEntry] = [:]
        var byteCount = 0
        var count = 0
        for entry in adapter.entries where entry.key.kind != .file {
            held[entry.key] = entry
            count += entry.tensors.count
            for tensor in entry.tensors { byteCount += tensor.source.byteCount }
        }
        guard let header = try? SafetensorsHeader(parsing: frame, fileByteCount: frame.count + byteCount) else {
            return nil
        }
        let reader = PEFTMethod.of(method: adapter.method).map {
            KeyReader($0, adapter.parameters, keys: header.tensors.map(\.name))
        }
        var sources: [any TensorSource] = []
        var found = 0
        for index in header.offsetOrder {
            let tensor = header.tensors[index]
            if tensor.byteCount == 0 {
                sources.append(try TensorBuffer(dtype: tensor.dtype, shape: tensor.shape, bytes: []))
                continue
            }
            let key = try reader?.read(tensor.name).key
            let source = held[key?.entry ?? EntryKey(tensor.name, .opaque)]?[key?.role ?? .value]
            guard let source, source.dtype == tensor.dtype, source.shape == tensor.shape else { return nil }
            sources.append(source)
            found += 1
        }
        return found == count ? (frame, sources) : nil
    }
}
