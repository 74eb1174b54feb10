package import Diagnostics
package import Files
package import Tensors

/// A file, or a stretch of it, as a tensor of bytes.
package struct FileBytes: TensorSource {
    let file: any FileContent
    let range: Range<Int>

    package init(_ file: any FileContent, _ range: Range<Int>? = nil) {
        self.file = file
        self.range = range ?? 0..<file.size
    }

    package var dtype: DType { .u8 }
    package var shape: Shape { [range.count] }
    package var byteCount: Int { range.count }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try file.read(at: range.lowerBound + offset, into: &target)
    }
}
