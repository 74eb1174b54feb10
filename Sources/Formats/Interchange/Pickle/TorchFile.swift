package import Diagnostics
package import Files
import Tensors

/// The tensors of a file that `torch.save` wrote, such as `adapter_model.bin`, read without running what is in it.
///
/// The file is a zip archive of stored entries: `<prefix>/data.pkl`, a pickle that says how tensors look into storages,
/// and `<prefix>/data/<key>`, the storages.
package struct TorchFile: Sendable {
    package struct Tensor: Sendable {
        package let name: String
        package let source: StridedTensor
        package let storage: String
        /// Whether another tensor of the file looks into the same storage.
        package let sharesStorage: Bool
    }

    /// In the order of the dictionary.
    package let tensors: [Tensor]

    /// Throws ``Failure/Code/badArchive`` or ``Failure/Code/pickleRefused`` for anything that torch would not have
    /// written for a dictionary of tensors.
    package init(_ file: InputFile) throws(Failure) {
        do throws(Failure) { tensors = try Self.tensors(of: file) } catch { throw error.at(path: file.path) }
    }

    private static let pickleLimit = 64 << 20

    private static func tensors(of file: InputFile) throws(Failure) -> [Tensor] {
        if file.size > 1, try file.read(at: 0, count: 1) == [UInt8(0x80)] {
            throw Failure(.pickleRefused, "a bare pickle, as torch wrote before version 1.6", offset: 0).hint(
                "load it with torch.load(…, weights_only=True) and save it again, best as safetensors")
        }
        let entries = try ZipArchive(file).entries
        let pickles = entries.keys.filter { $0.hasSuffix("/data.pkl") }
        guard pickles.count == 1, let name = pickles.first, let place = entries[name], place.count <= pickleLimit else {
            throw Failure(.badArchive, "not one pickle of at most 64 MiB, as torch.save writes it")
        }
        let prefix = name.dropLast(8)
        if let order = entries["\(prefix)byteorder"],
            try file.read(at: order.lowerBound, count: min(order.count, 7)) != Array("little".utf8)
        {
            throw Failure(.pickleRefused, "the tensors were saved on a machine of another byte order")
        }
        let views = try PickleReader.tensors(
            in: file.read(at: place.lowerBound, count: place.count), base: place.lowerBound)
        var tensors: [Tensor] = []
        var storages: [String: PickleReader.Storage] = [:]
        let users = Dictionary(views.map { ($0.view.storage.key, 1) }, uniquingKeysWith: +)
        for (name, view) in views {
            let storage = view.storage
            guard storages.updateValue(storage, forKey: storage.key) ?? storage == storage,
                let range = entries["\(prefix)data/\(storage.key)"],
                case let bytes = storage.count.multipliedReportingOverflow(by: (storage.dtype ?? .u8).bits / 8),
                !bytes.overflow, bytes.partialValue == range.count
            else {
                throw Failure(.pickleRefused, "the storage is missing, or not as long as the pickle says", object: name)
            }
            do throws(Failure) {
                let source = try StridedTensor(view, in: file, storage: range)
                let isShared = users[storage.key, default: 1] > 1
                tensors.append(Tensor(name: name, source: source, storage: storage.key, sharesStorage: isShared))
            } catch { throw error.on(name) }
        }
        return tensors
    }
}
