import CKernels
package import Diagnostics
package import Tensors

/// A base's tensor with a few of its elements changed: the inverse of ``FewChanges``.
package struct FewChangesTensor: TensorSource {
    let base: any TensorSource
    private let gaps: any TensorSource
    private let values: any TensorSource
    private let mode: FewChangesMode
    private let kind: ElementKind
    private let windows: Windows
    private let gapStarts: [Int]
    private let valueStarts: [Int]

    /// Throws ``Failure/Code/sparseIndex`` where counts and streams do not fit each other or the base.
    package init(
        base: any TensorSource, gaps: any TensorSource, values: any TensorSource, counts: any TensorSource,
        mode: FewChangesMode
    ) throws(Failure) {
        self.base = base
        self.gaps = gaps
        self.values = values
        self.mode = mode
        kind = ElementKind(base.dtype)
        windows = Windows(byteCount: base.byteCount, size: kind.windowByteCount)
        let dtype = mode == .replace ? base.dtype : kind.difference
        let counts = try FewChangesCount.read(
            counts, windows: windows.count, elements: ElementKind.windowElements)
        gapStarts = counts.map(\.gapBytes).prefixSums()
        let width = kind.width
        valueStarts = counts.map { $0.changes * width }.prefixSums()
        guard values.dtype == dtype, gapStarts[counts.count] == gaps.byteCount,
            valueStarts[counts.count] == values.byteCount
        else {
            throw Failure(
                .sparseIndex, "there are other numbers of places and values than the windows count",
                expected: "\(gapStarts[counts.count]) and \(valueStarts[counts.count]) bytes",
                actual: "\(gaps.byteCount) and \(values.byteCount)")
        }
    }

    package var dtype: DType { base.dtype }
    package var shape: Shape { base.shape }
    package var byteCount: Int { base.byteCount }
    package var blockByteCount: Int { kind.windowByteCount }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try unsafe windows.fill(&target, from: offset) { window, bytes, whole, scratch throws(Failure) in
            var span = unsafe MutableRawSpan(_unsafeBytes: whole)
            try base.read(at: bytes.lowerBound, into: &span)
            try unsafe change(whole, window, scratch)
        }
    }

    private func change(
        _ elements: UnsafeMutableRawBufferPointer, _ window: Int, _ scratch: WindowScratch
    ) throws(Failure) {
        let gaps = try unsafe UnsafeRawBufferPointer(
            gaps.read(gapStarts[window]..<gapStarts[window + 1], into: scratch.first))
        let values = try unsafe UnsafeRawBufferPointer(
            values.read(valueStarts[window]..<valueStarts[window + 1], into: scratch.second))
        let count = elements.count / kind.width
        switch mode {
        case .difference:
            guard unsafe !hasZero(values) else {
                throw Failure(.sparseIndex, "window \(window) has a difference of zero, which is no change")
            }
            var stream = unsafe tenon_sparse()
            unsafe stream.gaps = gaps.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.gap_count = gaps.count
            unsafe stream.differences = values.baseAddress
            unsafe stream.difference_count = values.count / kind.width
            _ = unsafe tenon_sparse_apply(kind.code, &stream, elements.baseAddress, count)
            guard unsafe stream.gap_count == 0, unsafe stream.difference_count == 0, unsafe stream.skip == 0,
                unsafe stream.is_whole == 0
            else {
                throw Failure(.sparseIndex, "the gaps of window \(window) lead beyond it, or their number is wrong")
            }
        case .replace:
            var taken = 0
            try unsafe FewChangesStreams.forEachPlace(gaps) { place throws(Failure) in
                guard place < count, taken + kind.width <= values.count else {
                    throw Failure(.sparseIndex, "the gaps of window \(window) lead beyond it, or their number is wrong")
                }
                unsafe UnsafeMutableRawBufferPointer(
                    rebasing: elements[place * kind.width..<(place + 1) * kind.width]
                ).copyMemory(from: UnsafeRawBufferPointer(rebasing: values[taken..<taken + kind.width]))
                taken += kind.width
            }
            guard taken == values.count, unsafe gaps.last != 255 else {
                throw Failure(.sparseIndex, "window \(window) has more values than places, or a gap without its end")
            }
        }
    }

    private func hasZero(_ values: UnsafeRawBufferPointer) -> Bool {
        for start in stride(from: 0, to: values.count, by: kind.width) {
            var bits: UInt8 = 0
            for place in start..<start + kind.width { bits |= unsafe values[place] }
            if bits == 0 { return true }
        }
        return false
    }
}
