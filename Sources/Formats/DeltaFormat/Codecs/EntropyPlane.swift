import CKernels
package import Diagnostics

/// The codec `entropy`: a plane in segments, each with an entropy code of its own. `Spec/format.md` §3 says how it is
/// written, `Spec/arithmetic.md` what a segment's bytes mean.
enum EntropyPlane {
    /// Bytes of the number of segments, and of each segment's record.
    fileprivate static let countSize = 2
    fileprivate static let recordSize = 8

    /// Codes `plane`, cut where that pays at some of `ends`; nil if it would take more than `target`.
    static func encode(
        _ plane: UnsafeRawBufferPointer, ends: [Int], into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        let segments = unsafe Segments.best(of: plane, ends: ends)
        var position = countSize + recordSize * segments.count
        guard segments.count <= UInt16.max, position < target.count else { return nil }
        unsafe target.storeBytes(of: UInt16(segments.count).littleEndian, as: UInt16.self)
        var start = 0
        for (number, segment) in segments.enumerated() {
            let source = unsafe UnsafeRawBufferPointer(rebasing: plane[start..<start + segment.length])
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[position...])
            guard let size = unsafe encode(segment, source, into: room) else { return nil }
            let record = countSize + recordSize * number
            unsafe target.storeBytes(of: UInt32(segment.length).littleEndian, toByteOffset: record, as: UInt32.self)
            unsafe target.storeBytes(of: UInt32(size).littleEndian, toByteOffset: record + 4, as: UInt32.self)
            position += size
            start += segment.length
        }
        return position
    }

    /// As its code if that is shorter, else as it is.
    private static func encode(
        _ segment: Segment, _ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
    ) -> Int? {
        let frequencies = FrequencyTable(counts: segment.counts)
        let table = frequencies.serialized
        let limit = min(room.count, source.count - 1)
        if table.count <= limit {
            unsafe room.copyBytes(from: table)
            if frequencies.only != nil { return table.count }
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: room[table.count..<limit])
            let size = unsafe tenon_rans_encode(
                source.baseAddress?.assumingMemoryBound(to: UInt8.self), source.count, frequencies.values,
                rest.baseAddress?.assumingMemoryBound(to: UInt8.self), rest.count)
            if size > 0 { return table.count + size }
        }
        guard room.count >= source.count else { return nil }
        unsafe room.copyMemory(from: source)
        return source.count
    }
}

/// Decodes planes on one lane.
package struct EntropyDecoder {
    private var frequencies = FrequencyTable()

    package init() {}

    /// Decodes a plane whose segments must fill `target` and use every byte of `stored`; throws
    /// ``Failure/Code/badFrame``.
    package mutating func decode(
        _ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        let count = stored.count < EntropyPlane.countSize ? 0 : Int(unsafe stored.load(UInt16.self, at: 0))
        var position = EntropyPlane.countSize + EntropyPlane.recordSize * count
        guard count > 0, position <= stored.count else { throw refuse("does not say what its segments are") }
        var start = 0
        for number in 0..<count {
            let record = EntropyPlane.countSize + EntropyPlane.recordSize * number
            let length = Int(unsafe stored.load(UInt32.self, at: record))
            let size = Int(unsafe stored.load(UInt32.self, at: record + 4))
            guard length >= (count == 1 ? 1 : Segments.least), length <= target.count - start, size > 0, size <= length,
                size <= stored.count - position
            else {
                throw refuse("has a segment of a length that it cannot have")
            }
            try unsafe decodeSegment(
                UnsafeRawBufferPointer(rebasing: stored[position..<position + size]),
                into: UnsafeMutableRawBufferPointer(rebasing: target[start..<start + length]))
            position += size
            start += length
        }
        guard start == target.count, position == stored.count else {
            throw refuse("has segments that do not fill it")
        }
    }

    private mutating func decodeSegment(
        _ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        if stored.count == target.count {
            unsafe target.copyMemory(from: stored)
            return
        }
        guard let tableSize = unsafe frequencies.read(stored) else { throw refuse("has a table that is none") }
        let coded = unsafe UnsafeRawBufferPointer(rebasing: stored[tableSize...])
        if let only = frequencies.only {
            guard unsafe coded.isEmpty else { throw refuse("has more bytes than its one value needs") }
            unsafe _ = target.initializeMemory(as: UInt8.self, repeating: only)
            return
        }
        let isWhole = unsafe tenon_rans_decode(
            coded.baseAddress?.assumingMemoryBound(to: UInt8.self), coded.count, frequencies.values,
            target.baseAddress?.assumingMemoryBound(to: UInt8.self), target.count)
        guard isWhole == 1 else { throw refuse("does not decode to as many bytes as it has") }
    }

    private func refuse(_ what: String) -> Failure {
        Failure(.badFrame, "a plane in segments \(what)")
    }
}

extension UnsafeRawBufferPointer {
    /// An integer that lies somewhere.
    fileprivate func load<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type, at offset: Int) -> Number {
        unsafe Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}
