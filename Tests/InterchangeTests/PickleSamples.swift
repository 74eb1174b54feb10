import Diagnostics
import Files
import Support

import Interchange

extension [UInt8] {
    /// Little-endian.
    static func number(_ value: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }
}

/// A zip archive whose every field a test can spoil.
struct ArchiveSample {
    struct Entry {
        var name: String
        var bytes: [UInt8] = []
        var method: UInt64 = 0
        var flags: UInt64 = 0
        /// What the directory says in place of the truth.
        var size: UInt64?
        var header: UInt64?
        /// What the local header says in place of the truth.
        var localName: String?
        var localSize: UInt64?
        var comment: [UInt8] = []
    }

    var entries: [Entry]
    var prefix: [UInt8] = []
    var suffix: [UInt8] = []
    /// Writes 64-bit sizes where they could be 32.
    var isWide = false
    var count: UInt64?
    var directoryStart: UInt64?

    /// An archive of a pickle and storages, as torch writes them.
    init(
        pickle: [UInt8], storages: [String: [UInt8]] = ["0": [UInt8](repeating: 1, count: 24)], order: String = "little"
    ) {
        entries = [Entry(name: "a/data.pkl", bytes: pickle), Entry(name: "a/byteorder", bytes: Array(order.utf8))]
        entries += storages.sorted { $0.key < $1.key }.map { Entry(name: "a/data/\($0.key)", bytes: $0.value) }
        entries.append(Entry(name: "a/version", bytes: Array("3\n".utf8)))
    }

    var bytes: [UInt8] {
        var file = prefix
        var directory: [UInt8] = []
        for entry in entries {
            let place = UInt64(file.count), size = UInt64(entry.bytes.count)
            let name = Array(entry.name.utf8), localName = Array((entry.localName ?? entry.name).utf8)
            let kind: [UInt8] = .number(entry.flags, 2) + .number(entry.method, 2) + .number(0, 8)
            let local = entry.localSize ?? size
            file += .number(0x0403_4B50, 4) + .number(0, 2) + kind + .number(local, 4) + .number(local, 4)
            file += .number(UInt64(localName.count), 2) + .number(0, 2) + localName + entry.bytes
            let told = entry.size ?? size, header = entry.header ?? place
            let extra: [UInt8] =
                isWide ? .number(1, 2) + .number(24, 2) + .number(told, 8) + .number(told, 8) + .number(header, 8) : []
            directory += .number(0x0201_4B50, 4) + .number(0, 4) + kind
            for value in [told, told] { directory += .number(isWide ? 0xFFFF_FFFF : value, 4) }
            directory += .number(UInt64(name.count), 2) + .number(UInt64(extra.count), 2)
            directory += .number(UInt64(entry.comment.count), 2) + .number(0, 8)
            directory += .number(isWide ? 0xFFFF_FFFF : header, 4) + name + extra + entry.comment
        }
        let start = directoryStart ?? UInt64(file.count), end = UInt64(file.count + directory.count)
        let count = count ?? UInt64(entries.count)
        file += directory
        if isWide {
            file += .number(0x0606_4B50, 4) + .number(44, 8) + .number(0, 12) + .number(count, 8) + .number(count, 8)
            file += .number(UInt64(directory.count), 8) + .number(start, 8)
            file += .number(0x0706_4B50, 4) + .number(0, 4) + .number(end, 8) + .number(1, 4)
        }
        file += .number(0x0605_4B50, 4) + .number(0, 4) + .number(count, 2) + .number(count, 2)
        file += .number(UInt64(directory.count), 4) + .number(isWide ? 0xFFFF_FFFF : start, 4) + .number(0, 2)
        return file + suffix
    }

    /// Reads it as a file on disk.
    func open() throws -> TorchFile {
        let folder = try TemporaryFolder()
        return try withExtendedLifetime(folder) { try TorchFile(InputFile(path: folder.write(bytes, to: "a.bin"))) }
    }

    func refusal() -> Failure? {
        do {
            _ = try open()
            return nil
        } catch {
            return error as? Failure ?? Failure(.internal, "\(error)")
        }
    }
}

/// Pieces of pickles.
enum Pickle {
    static func text(_ text: String) -> [UInt8] { [0x58] + .number(UInt64(text.utf8.count), 4) + Array(text.utf8) }
    static func name(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    static func int(_ value: Int) -> [UInt8] { [0x8A, 8] + .number(UInt64(bitPattern: Int64(value)), 8) }
    static func tuple(_ items: [UInt8]...) -> [UInt8] { [0x28] + items.flatMap(\.self) + [0x74] }
    static let yes: [UInt8] = [0x88]
    static let hooks = name("collections", "OrderedDict") + [0x29, 0x52]

    static func storage(_ type: String = "FloatStorage", key: String = "0", count: Int = 6) -> [UInt8] {
        tuple(text("storage"), name("torch", type), text(key), text("cpu"), int(count)) + [0x51]
    }

    static func tensor(
        storage: [UInt8] = storage(), offset: Int = 0, shape: [Int] = [2, 3], strides: [Int] = [3, 1]
    ) -> [UInt8] {
        name("torch._utils", "_rebuild_tensor_v2")
            + tuple(
                storage, int(offset), [0x28] + shape.flatMap(int) + [0x74], [0x28] + strides.flatMap(int) + [0x74],
                yes, hooks) + [0x52]
    }

    /// A pickle of one dictionary with these values.
    static func dictionary(_ items: (String, [UInt8])...) -> [UInt8] {
        [0x80, 2, 0x7D, 0x28] + items.flatMap { text($0.0) + $0.1 } + [0x75, 0x2E]
    }
}
