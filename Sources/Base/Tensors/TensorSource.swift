package import Diagnostics

/// A tensor whose bytes can be read piece by piece, from several threads at once.
///
/// Everything that streams is one: a tensor of a safetensors file, of a container, of a pickle, or an array in memory.
package protocol TensorSource: Sendable {
    var dtype: DType { get }
    var shape: Shape { get }
    /// All of its bytes, little-endian, row-major.
    var byteCount: Int { get }

    /// The blocks in which it is best read: a power of two from 64 KiB to 16 MiB.
    var blockByteCount: Int { get }

    /// Fills `target` with the bytes from `offset` on.
    ///
    /// `offset + target.byteCount` is at most ``byteCount``; a source works fastest on whole blocks.
    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure)

    /// Whether its blocks fall into segments whose numbers are unlike each other's, so that each wants a code of its own.
    var isSegmented: Bool { get }

    /// Reads as ``read(at:into:)`` and says where the segments end, in elements from `offset` on, ascending.
    func readSegments(at offset: Int, into target: inout MutableRawSpan) throws(Failure) -> [Int]
}

extension TensorSource {
    package var blockByteCount: Int { 1 << 20 }
    package var isSegmented: Bool { false }

    package func readSegments(at offset: Int, into target: inout MutableRawSpan) throws(Failure) -> [Int] {
        try read(at: offset, into: &target)
        return []
    }

    /// All bytes at once: for what is known to be small.
    package func readAll() throws(Failure) -> [UInt8] {
        try read(at: 0, count: byteCount)
    }

    /// `count` bytes from `offset` on, as an array of their own.
    package func read(at offset: Int, count: Int) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        try read(at: offset, into: &raw)
        return bytes
    }
}

/// A tensor in memory.
package struct TensorBuffer: TensorSource {
    package let dtype: DType
    package let shape: Shape
    package let bytes: [UInt8]

    package init(dtype: DType, shape: Shape, bytes: [UInt8]) throws(Failure) {
        guard try shape.byteCount(dtype) == bytes.count else {
            throw Failure(
                .internal, "a tensor \(shape) of \(dtype.name) was given \(bytes.count) bytes")
        }
        self.dtype = dtype
        self.shape = shape
        self.bytes = bytes
    }

    /// Plain bytes as a one-dimensional tensor.
    package init(_ bytes: [UInt8]) {
        self.dtype = .u8
        self.shape = [bytes.count]
        self.bytes = bytes
    }

    package var byteCount: Int { bytes.count }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let source = unsafe bytes.span.bytes
        target.copy(from: source.extracting(droppingFirst: offset).extracting(first: target.byteCount))
    }
}

extension MutableRawSpan {
    /// Overwrites all of it with `source`, which must be as long.
    package mutating func copy(from source: RawSpan) {
        precondition(source.byteCount == byteCount)
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { source in
                unsafe target.copyMemory(from: source)
            }
        }
    }
}
