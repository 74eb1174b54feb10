package import Diagnostics
import Tensors

/// Where everything lies: derived from an index by addition, never written down.
package struct Layout: Sendable {
    package struct Tensor: Sendable {
        package let byteCount: Int
        package let chunkBytes: Int
        package let chunkCount: Int
        package let planeCount: Int
        /// The number of its first plane record.
        package let firstPlane: Int
    }

    package let tensors: [Tensor]
    /// Where each plane begins in the file; one more at the end, where the data end.
    package let planeOffsets: [Int]
    package let logicalBytes: Int

    /// Where the index begins: the data's end, on a multiple of 8.
    package var indexOffset: Int { (planeOffsets[planeOffsets.count - 1] + 7) & ~7 }

    /// Tensors above this size that are stored without a filter begin on an aligned offset, so that they can be mapped.
    package static let alignedFrom = 4096

    /// Throws where sizes overflow, where the count of planes is not what the shapes ask for, or where a plane's length
    /// cannot be right.
    package init(_ index: Index, alignment: Int) throws(Failure) {
        var tensors: [Tensor] = []
        tensors.reserveCapacity(index.tensors.count)
        var offsets: [Int] = []
        offsets.reserveCapacity(index.planes.count + 1)
        var offset = Limits.headerSize
        var plane = 0
        let byteCounts = try Self.byteCounts(index, alignment: alignment)
        for (record, byteCount) in zip(index.tensors, byteCounts) {
            let chunkBytes = 1 << Int(record.chunkLog2)
            let chunkCount = (byteCount + chunkBytes - 1) / chunkBytes
            let planeCount = record.filter.planeCount(record.dtype)
            guard chunkCount * planeCount <= index.planes.count - plane else {
                throw Failure(.chunkCount, "the index has fewer planes than its tensors need")
            }
            tensors.append(
                Tensor(
                    byteCount: byteCount, chunkBytes: chunkBytes, chunkCount: chunkCount, planeCount: planeCount,
                    firstPlane: plane))
            if record.filter == .none && byteCount > Self.alignedFrom {
                offset = (offset + alignment - 1) & -alignment
            }
            for chunk in 0..<chunkCount {
                let length = min(chunkBytes, byteCount - chunk * chunkBytes)
                for number in 0..<planeCount {
                    let raw = record.filter.planeBytes(number, of: length, dtype: record.dtype)
                    try Self.check(index.planes[plane], rawBytes: raw, number: plane)
                    offsets.append(offset)
                    // At most 2^24 planes of at most 2^28 bytes: no overflow.
                    offset += index.planes[plane].storedBytes
                    plane += 1
                }
            }
        }
        guard plane == index.planes.count else {
            throw Failure(
                .chunkCount, "the index has more planes than its tensors need", expected: "\(plane)",
                actual: "\(index.planes.count)")
        }
        offsets.append(offset)
        self.tensors = tensors
        self.planeOffsets = offsets
        self.logicalBytes = byteCounts.reduce(0, +)
    }

    /// The bytes of every tensor; they fit together, even if each were rounded up to the alignment.
    private static func byteCounts(_ index: Index, alignment: Int) throws(Failure) -> [Int] {
        var counts: [Int] = []
        counts.reserveCapacity(index.tensors.count)
        var total = 0
        var aligned = 0
        for record in index.tensors {
            let count = try record.shape.byteCount(record.dtype)
            counts.append(count)
            let overflow: Bool
            (aligned, overflow) = aligned.addingReportingOverflow((count + alignment - 1) & -alignment)
            guard !overflow else {
                throw Failure(.totalOverflow, "the tensors together have more bytes than fit in 64 bits")
            }
            total += count
        }
        guard total <= Limits.logicalBytes else {
            throw Failure(
                .tooLarge, "the tensors together are larger than allowed", expected: "at most \(Limits.logicalBytes)",
                actual: "\(total)")
        }
        return counts
    }

    private static func check(_ plane: PlaneRecord, rawBytes: Int, number: Int) throws(Failure) {
        let fits =
            switch plane.codec {
            case .raw: plane.storedBytes == rawBytes
            case .zstd, .entropy: plane.storedBytes > 0 && plane.storedBytes < rawBytes
            }
        guard fits else {
            throw Failure(
                .chunkInconsistent, "a plane has a stored length that its codec cannot have", object: "plane \(number)",
                expected: plane.codec == .raw ? "\(rawBytes)" : "1 to \(rawBytes - 1)", actual: "\(plane.storedBytes)")
        }
    }

    /// The bytes of one chunk of one tensor, and the number of its first plane.
    package func chunk(_ chunk: Int, of tensor: Int) -> (byteCount: Int, firstPlane: Int) {
        let place = tensors[tensor]
        let length = min(place.chunkBytes, place.byteCount - chunk * place.chunkBytes)
        return (length, place.firstPlane + chunk * place.planeCount)
    }

    /// Where padding lies: gaps before aligned tensors and before the index.
    package func gaps(_ index: Index) -> [Range<Int>] {
        var gaps: [Range<Int>] = []
        var end = Limits.headerSize
        for (plane, record) in index.planes.enumerated() {
            if planeOffsets[plane] > end { gaps.append(end..<planeOffsets[plane]) }
            end = planeOffsets[plane] + record.storedBytes
        }
        if indexOffset > end { gaps.append(end..<indexOffset) }
        return gaps
    }
}
