import Diagnostics
import Files
import Tensors

/// Stretches of a file one after the other, as a tensor of bytes.
struct FilePieces: TensorSource {
    let file: InputFile
    private let pieces: [Range<Int>]
    /// Where each piece begins in the tensor.
    private let starts: [Int]
    let byteCount: Int

    init(_ file: InputFile, _ pieces: [Range<Int>]) {
        self.file = file
        self.pieces = pieces
        var starts: [Int] = []
        var end = 0
        for piece in pieces {
            starts.append(end)
            end += piece.count
        }
        self.starts = starts
        byteCount = end
    }

    var dtype: DType { .u8 }
    var shape: Shape { [byteCount] }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let wanted = offset..<offset + target.byteCount
        for (piece, start) in zip(pieces, starts) {
            let part = wanted.clamped(to: start..<start + piece.count)
            if part.isEmpty { continue }
            var slice = target._mutatingExtracting(part.lowerBound - offset..<part.upperBound - offset)
            try file.read(at: piece.lowerBound + part.lowerBound - start, into: &slice)
        }
    }
}
