import Diagnostics
import Files
import Tensors

/// A file, or a stretch of it, as a tensor of bytes.
struct FileBytes: TensorSource {
    let file: InputFile
    let range: Range<Int>

    init(_ file: InputFile, _ range: Range<Int>? = nil) {
        self.file = file
        self.range = range ?? 0..<file.size
    }

    var dtype: DType { .u8 }
    var shape: Shape { [range.count] }
    var byteCount: Int { range.count }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try file.read(at: range.lowerBound + offset, into: &target)
    }
}
