import Diagnostics
import Files

/// The lines of a file, read block by block; one that is too long is passed over without being kept. The mark that some
/// systems put at the beginning of a text in UTF-8 is no part of the first line.
struct LineReader: ~Copyable {
    struct Line {
        /// From 1.
        let number: Int
        /// Where it begins in the file.
        let offset: Int
        /// Without its end; empty where it is too long.
        let bytes: [UInt8]
        let isTooLong: Bool

        /// Whether it has nothing but white space.
        var isBlank: Bool { !isTooLong && bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
    }

    private static let blockByteCount = 1 << 20
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let file: InputFile
    private let limit: Int
    private var block: [UInt8] = []
    /// Where in `block` the next line begins.
    private var place = 0
    /// Where in the file `block` ends.
    private var offset = 0
    private var number = 0

    init(_ file: InputFile, limit: Int) {
        self.file = file
        self.limit = limit
    }

    /// The next line, nil at the end of the file. Line ends are those of Unix or Windows.
    mutating func next() throws(Failure) -> Line? {
        var bytes: [UInt8] = []
        var isTooLong = false
        guard try fill() else { return nil }
        let start = offset - (block.count - place)
        while try fill() {
            let end = block[place...].firstIndex(of: UInt8(ascii: "\n"))
            let part = block[place..<(end ?? block.count)]
            if isTooLong || bytes.count + part.count > limit {
                isTooLong = true
                bytes = []
            } else {
                bytes += part
            }
            place = end.map { $0 + 1 } ?? block.count
            if end != nil { return line(bytes, start, isTooLong) }
        }
        return line(bytes, start, isTooLong)
    }

    private mutating func line(_ bytes: [UInt8], _ start: Int, _ isTooLong: Bool) -> Line {
        number += 1
        return Line(number: number, offset: start, bytes: bytes, isTooLong: isTooLong)
    }

    /// Reads the next block where all of this one is passed; false at the end of the file.
    private mutating func fill() throws(Failure) -> Bool {
        if place < block.count { return true }
        guard offset < file.size else { return false }
        try Cancellation.check()
        block = try file.read(at: offset, count: min(Self.blockByteCount, file.size - offset))
        place = offset == 0 && block.starts(with: Self.mark) ? Self.mark.count : 0
        offset += block.count
        return place < block.count
    }
}
