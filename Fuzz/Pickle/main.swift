import Files
import Diagnostics
import FuzzSupport
import Interchange
import Tensors

// A torch file: as it is where the first byte is 0, otherwise a pickle's program that is put into an archive with three
// storages, so that the fuzzer need not keep a zip's offsets right.

private enum Archive {
    static let tensorLimit = 1 << 20
    static let storages = [("x/data/0", 64), ("x/data/1", 256), ("x/data/2", 4096)].map { name, count in
        (name: name, bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0) })
    }
}

private func little(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// A zip archive of stored entries.
private func archive(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    for (name, content) in entries {
        let sizes = little(0, 4) + little(content.count, 4) + little(content.count, 4) + little(name.utf8.count, 2)
        directory += little(0x0201_4B50, 4) + little(0, 12) + sizes + little(0, 12) + little(bytes.count, 4)
        directory += Array(name.utf8)
        bytes += little(0x0403_4B50, 4) + little(0, 10) + sizes + little(0, 2) + Array(name.utf8) + content
    }
    let end = little(0x0605_4B50, 4) + little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
    return bytes + directory + end + little(directory.count, 4) + little(bytes.count, 4) + little(0, 2)
}

private func file(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.first != 0 else { return Array(bytes.dropFirst()) }
    return archive([("x/data.pkl", Array(bytes.dropFirst()))] + Archive.storages)
}

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let file = ScratchFile.shared.holding(file(unsafe input(data, count)))
    guard let torch = accepted({ () throws(Failure) in try TorchFile(file) }) else { return 0 }
    for tensor in torch.tensors.prefix(64) where tensor.source.byteCount <= Archive.tensorLimit {
        let source = tensor.source
        let whole = demanded("an accepted tensor can be read") { () throws(Failure) in try source.readAll() }
        let start = whole.count / 3
        let part = demanded("an accepted tensor can be read in part") { () throws(Failure) in
            try source.read(at: start, count: whole.count - 2 * start)
        }
        require(part[...] == whole[start..<whole.count - start], "a part is a part of the whole")
        if let range = source.fileRange { require(range.upperBound <= file.size, "a tensor lies in its file") }
    }
    return 0
}
