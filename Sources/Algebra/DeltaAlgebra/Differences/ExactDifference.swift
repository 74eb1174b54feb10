import CKernels
package import Diagnostics
package import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The value of an entry of kind `exact`: what leads from one tensor to another of its dtype and shape, bit for bit.
///
/// Computed as it is read; every window is put back onto the base and compared before it is given away.
package struct ExactDifference: TensorSource {
    let base: any TensorSource
    let tuned: any TensorSource
    private let kind: ElementKind
    private let windows: Windows

    package init(base: any TensorSource, tuned: any TensorSource) {
        precondition(base.dtype == tuned.dtype && base.byteCount == tuned.byteCount)
        self.base = base
        self.tuned = tuned
        kind = ElementKind(base.dtype)
        windows = Windows(byteCount: tuned.byteCount, size: kind.windowByteCount)
    }

    package var dtype: DType { kind.difference }
    /// That of the tensor; of types below a byte, its bytes.
    package var shape: Shape { tuned.dtype.width == nil ? [tuned.byteCount] : tuned.shape }
    package var byteCount: Int { tuned.byteCount }
    package var blockByteCount: Int { kind.windowByteCount }
    package var isSegmented: Bool { kind.isOrdered }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        _ = try readSegments(at: offset, into: &target)
    }

    package func readSegments(at offset: Int, into target: inout MutableRawSpan) throws(Failure) -> [Int] {
        let isWindow = offset % windows.size == 0 && target.byteCount == windows[offset / windows.size].count
        var segments: [Int] = []
        try unsafe windows.fill(&target, from: offset) { _, window, whole, scratch throws(Failure) in
            let counts = try unsafe encode(window, into: whole, scratch)
            if isWindow && kind.isOrdered { segments = Self.ends(of: counts) }
        }
        return segments
    }

    private func encode(
        _ window: Range<Int>, into target: UnsafeMutableRawBufferPointer, _ scratch: WindowScratch
    ) throws(Failure) -> [UInt32] {
        let before = try unsafe base.read(window, into: scratch.base)
        let after = try unsafe tuned.read(window, into: scratch.tuned)
        let proof = unsafe scratch.second.bytes(window.count)
        let count = window.count / kind.width
        var counts = [UInt32](repeating: 0, count: 256)
        unsafe tenon_exact_encode(kind.code, before.baseAddress, after.baseAddress, count, target.baseAddress, &counts)
        unsafe tenon_exact_decode(kind.code, before.baseAddress, target.baseAddress, count, proof.baseAddress, counts)
        guard let a = proof.baseAddress, let b = after.baseAddress, unsafe memcmp(a, b, window.count) == 0 else {
            throw Failure(
                .internal, "a difference did not lead back to what it was taken of",
                hint: "nothing was written; please report this with the files at hand")
        }
        return counts
    }

    /// Where the elements of each exponent end.
    private static func ends(of counts: [UInt32]) -> [Int] {
        var end = 0
        var ends: [Int] = []
        for count in counts where count > 0 {
            end += Int(count)
            ends.append(end)
        }
        return ends
    }
}
