import Checkpoints
import Diagnostics
import FuzzSupport
import Tensors

// A safetensors header, taken as it is and once more with its length put right: four bytes that say how many bytes of
// tensors follow, eight of length, the text.

private func check(_ header: SafetensorsHeader) {
    var end = header.byteCount
    for index in header.offsetOrder {
        let tensor = header.tensors[index]
        require(tensor.range.lowerBound == end, "ranges leave no hole")
        require((try? tensor.shape.byteCount(tensor.dtype)) == tensor.byteCount, "a range is as long as its shape asks")
        require(header.index(of: tensor.name) == index, "every tensor is found by its name")
        end = tensor.range.upperBound
    }
    require(end == header.fileByteCount, "ranges cover the file")
    let listed = header.tensors.map { (name: $0.name, dtype: $0.dtype, shape: $0.shape) }
    let written = accepted { () throws(Failure) in
        try SafetensorsWriter.headerBytes(tensors: listed, metadata: header.metadata)
    }
    guard let written else { return }
    let again = demanded("what the writer writes can be read") { () throws(Failure) in
        try SafetensorsHeader(
            parsing: written.bytes, fileByteCount: written.bytes.count + header.fileByteCount - header.byteCount)
    }
    for tensor in header.tensors {
        let place = again.index(of: tensor.name).map { again.tensors[$0] }
        require(place?.shape == tensor.shape && place?.dtype == tensor.dtype, "the writer keeps every tensor")
    }
}

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    guard bytes.count >= 12 else { return 0 }
    let dataCount = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16 | Int(bytes[3]) << 24
    let raw = Array(bytes[4...])
    let text = Array(bytes[12...])
    let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    for header in [raw, length + text] {
        let parsed = accepted { () throws(Failure) in
            try SafetensorsHeader(parsing: header, fileByteCount: header.count + dataCount)
        }
        if let parsed { check(parsed) }
    }
    return 0
}
