import Checkpoints
import DeltaFormat
import Digests
import Files
import Diagnostics
import FuzzSupport
import Interchange
import JSON
import Parallelism

// An adapter folder: two bytes with the length of the config, the config, and the header text of a safetensors file whose
// tensors are all zeros. What is understood is packed.

private enum Folder {
    static let limit = 1 << 20
    static let config = ScratchFile("adapter_config.json")
    static let weights = ScratchFile("adapter_model.safetensors")
}

/// The highest number that stands behind `"data_offsets":[a,`: how many bytes of tensors there must be.
private func dataCount(_ text: [UInt8]) -> Int {
    guard let members = (try? JSONValue.parse(text))?.object?.members else { return 0 }
    let ends = members.compactMap { $0.value["data_offsets"]?.array?.last?.int }
    return min(max(0, ends.max() ?? 0), Folder.limit)
}

@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    guard bytes.count >= 2 else { return 0 }
    let length = Int(bytes[0]) | Int(bytes[1]) << 8
    let text = Array(bytes.dropFirst(2 + length))
    let header = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
    Folder.config.replace(by: Array(bytes.dropFirst(2).prefix(length)))
    Folder.weights.replace(by: header, count: header.count + dataCount(text))
    guard let folder = accepted({ () throws(Failure) in try PEFTFolder.read(ScratchFile.folder) }) else { return 0 }
    for finding in folder.findings { _ = finding.description }
    demanded("an adapter agrees with its own config") { () throws(Failure) in
        try PEFTFolder.checkConflict(folder.adapter)
    }
    let path = Paths.joined(ScratchFile.folder, "packed.lock")
    let output = accepted { () throws(Failure) in
        let output = try OutputFile.create(at: path, replacing: true, durability: .none)
        _ = try ContainerWriter(compression: .fast, lanes: Lanes(count: 1)).write(folder.adapter, to: output)
        try output.commit()
        return output
    }
    guard output != nil else { return 0 }
    demanded("what was written can be verified") { () throws(Failure) in
        let container = try Container(InputFile(path: path))
        try container.verify(.full, lanes: Lanes(count: 1))
        try PEFTFolder.checkConflict(container.adapter)
    }
    return 0
}
