import CKernels
import Diagnostics
import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Computes both streams of a window.
struct FewChangesStreams: Sendable {
    let base: any TensorSource
    let tuned: any TensorSource
    let mode: FewChangesMode
    let kind: ElementKind
    let windows: Windows
    let kept: KeptChanges?

    /// Calls `body` with a window's gaps and values, which live as long as the call.
    func encode<Result>(
        _ window: Int, _ scratch: WindowScratch,
        _ body: (_ gaps: UnsafeRawBufferPointer, _ values: UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if let kept = kept?[window] {
            return try unsafe kept.gaps.span.bytes.withUnsafeBytes { gaps throws(Failure) in
                try unsafe kept.differences.span.bytes.withUnsafeBytes { differences throws(Failure) in
                    try unsafe body(gaps, differences)
                }
            }
        }
        let range = windows[window]
        let before = try unsafe base.read(range, into: scratch.base)
        let after = try unsafe tuned.read(range, into: scratch.tuned)
        let (gaps, differences) = unsafe Self.encode(
            UnsafeRawBufferPointer(before), UnsafeRawBufferPointer(after), kind, scratch)
        try unsafe Self.prove(
            before, gaps, UnsafeRawBufferPointer(differences), UnsafeRawBufferPointer(after), kind)
        if mode == .replace { unsafe gather(gaps, from: UnsafeRawBufferPointer(after), into: differences) }
        return try unsafe body(gaps, UnsafeRawBufferPointer(differences))
    }

    /// Puts the changes onto the base's window, which is spent then, and compares.
    static func prove(
        _ before: UnsafeMutableRawBufferPointer, _ gaps: UnsafeRawBufferPointer, _ differences: UnsafeRawBufferPointer,
        _ after: UnsafeRawBufferPointer, _ kind: ElementKind
    ) throws(Failure) {
        var stream = unsafe tenon_sparse()
        unsafe stream.gaps = gaps.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.gap_count = gaps.count
        unsafe stream.differences = differences.baseAddress
        unsafe stream.difference_count = differences.count / kind.width
        _ = unsafe tenon_sparse_apply(kind.code, &stream, before.baseAddress, before.count / kind.width)
        guard let a = before.baseAddress, let b = after.baseAddress, unsafe memcmp(a, b, after.count) == 0 else {
            throw Failure(
                .internal, "changes did not lead back to what they were taken of",
                hint: "nothing was written; please report this with the files at hand")
        }
    }

    /// The gaps and differences of one window, in buffers of `scratch`.
    static func encode(
        _ before: UnsafeRawBufferPointer, _ after: UnsafeRawBufferPointer, _ kind: ElementKind, _ scratch: WindowScratch
    ) -> (gaps: UnsafeRawBufferPointer, differences: UnsafeMutableRawBufferPointer) {
        let count = after.count / kind.width
        let gaps = unsafe scratch.first.bytes(count + count / 255 + 1)
        let differences = unsafe scratch.second.bytes(count * kind.width)
        var pending: UInt64 = 0
        let size = unsafe tenon_sparse_encode(
            kind.code, before.baseAddress, after.baseAddress, count, &pending,
            gaps.baseAddress?.assumingMemoryBound(to: UInt8.self), differences.baseAddress)
        return unsafe (
            UnsafeRawBufferPointer(rebasing: gaps[..<size.gaps]),
            UnsafeMutableRawBufferPointer(rebasing: differences[..<(size.differences * kind.width)])
        )
    }

    private func gather(
        _ gaps: UnsafeRawBufferPointer, from elements: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer
    ) {
        var filled = 0
        unsafe FewChangesStreams.forEachPlace(gaps) { place in
            let source = unsafe UnsafeRawBufferPointer(
                rebasing: elements[place * kind.width..<(place + 1) * kind.width])
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[filled..<filled + kind.width]).copyMemory(
                from: source)
            filled += kind.width
        }
    }

    /// Calls `body` with the place of every change that the gaps of a window name.
    static func forEachPlace<Stop: Error>(
        _ gaps: UnsafeRawBufferPointer, _ body: (Int) throws(Stop) -> Void
    ) throws(Stop) {
        var place = 0
        for index in gaps.indices {
            let gap = unsafe gaps[index]
            place += Int(gap)
            if gap == 255 { continue }
            try body(place)
            place += 1
        }
    }
}

/// One of the two streams as a tensor.
struct FewChangesStream: TensorSource {
    enum Part: Hashable, Sendable {
        case gaps, values
    }

    private let streams: FewChangesStreams
    private let part: Part
    /// Where each window's part begins, and at last where the stream ends.
    private let starts: [Int]

    init(streams: FewChangesStreams, part: Part, counts: [Int]) {
        self.streams = streams
        self.part = part
        starts = counts.prefixSums()
    }

    var dtype: DType {
        switch part {
        case .gaps: .u8
        case .values: streams.mode == .replace ? streams.base.dtype : streams.kind.difference
        }
    }
    var shape: Shape { [byteCount / (part == .gaps ? 1 : streams.kind.width)] }
    var byteCount: Int { starts[starts.count - 1] }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let range = offset..<offset + target.byteCount
        try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
            var window = starts.place(of: offset)
            while window < starts.count - 1, starts[window] < range.upperBound {
                let own = starts[window]..<starts[window + 1]
                let overlap = own.clamped(to: range)
                if !overlap.isEmpty {
                    try WindowScratch.with { scratch throws(Failure) in
                        try unsafe streams.encode(window, scratch) { gaps, values throws(Failure) in
                            let bytes = unsafe part == .gaps ? gaps : values
                            guard bytes.count == own.count else {
                                throw Failure(.changedDuringRead, "a tensor is no longer what it was")
                            }
                            let skip = overlap.lowerBound - own.lowerBound
                            unsafe UnsafeMutableRawBufferPointer(
                                rebasing: target[overlap.lowerBound - offset..<overlap.upperBound - offset]
                            ).copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[skip..<skip + overlap.count]))
                        }
                    }
                }
                window += 1
            }
        }
    }
}
