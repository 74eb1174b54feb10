import AdapterStore
import Diagnostics
import Digests
import Files
import FuzzSupport

// An image layout: a tar keeps to itself, and documents are refused or name what they list.

/// The documents of a layout, in memory.
struct MemoryLayout: LayoutFiles {
    let path = "layout"
    var files: [String: MemoryFile] = [:]

    func file(named name: String) throws(Failure) -> any FileContent {
        guard let file = files[name] else { throw Failure(.notFound, "no such file", object: name, path: path) }
        return file
    }
}

struct MemoryFile: FileContent {
    let path: String
    let bytes: [UInt8]

    var size: Int { bytes.count }
    var diskIdentity: FileIdentity? { nil }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try checkRange(offset, target.byteCount)
        for index in 0..<target.byteCount {
            target.storeBytes(of: bytes[offset + index], toByteOffset: index, as: UInt8.self)
        }
    }

    func checkUnchanged() throws(Failure) {}
    func advise(_ advice: InputFile.Advice, _ range: Range<Int>) {}
}

/// `text` with every `"@N"` replaced by digest and size of the Nth blob.
private func resolved(_ text: ArraySlice<UInt8>, _ blobs: [[UInt8]]) -> [UInt8] {
    var result: [UInt8] = []
    var rest = text
    while let byte = rest.first {
        let number = rest.count >= 4 ? Int(rest[rest.startIndex + 2]) - 0x30 : -1
        if rest.starts(with: Array("\"@".utf8)), blobs.indices.contains(number),
            rest[rest.startIndex + 3] == UInt8(ascii: "\"")
        {
            result += Array("\"sha256:\(SHA256.hash(blobs[number]))\",\"size\":\(blobs[number].count)".utf8)
            rest = rest.dropFirst(4)
        } else {
            result.append(byte)
            rest = rest.dropFirst()
        }
    }
    return result
}

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    guard let first = bytes.first else { return 0 }
    if first == 0 {
        let file = ScratchFile.shared.holding(Array(bytes.dropFirst()))
        guard let entries = accepted({ () throws(Failure) in try TarReader.entries(of: file) }) else { return 0 }
        require(Set(entries.map(\.name)).count == entries.count, "a name comes once")
        for entry in entries {
            require(entry.offset >= 512 && entry.size <= file.size - entry.offset, "entries lie within the tar")
            require(!entry.name.hasPrefix("/") && !entry.name.split(separator: "/").contains(".."), "names stay within")
        }
        return 0
    }
    let parts = bytes.dropFirst().split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return 0 }
    var blobs: [[UInt8]] = []
    var layout = MemoryLayout()
    for (number, part) in parts.enumerated() {
        let bytes = resolved(part, blobs)
        let name = number == 2 ? "index.json" : "blobs/sha256/\(SHA256.hash(bytes))"
        layout.files[name] = MemoryFile(path: name, bytes: bytes)
        blobs.append(bytes)
    }
    layout.files["oci-layout"] = MemoryFile(
        path: "oci-layout", bytes: Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8))
    guard let items = accepted({ () throws(Failure) in try LayoutReader.items(of: layout) }) else { return 0 }
    require(!items.isEmpty && Set(items.map(\.manifest)).count == items.count, "a manifest is listed once")
    return 0
}
