package import Diagnostics
package import Files

/// Writes a tar whose bytes follow from the files alone: POSIX's ustar, with a pax header before what is larger than that can
/// say; no owner, no time, mode 0644.
package struct TarWriter {
    private let output: OutputFile

    package init(_ output: OutputFile) {
        self.output = output
    }

    /// Appends the file `name`, of at most 100 bytes, whose `size` bytes `fill` writes.
    package func add(
        _ name: String, size: Int, _ fill: (OutputFile) throws(Failure) -> Void
    ) throws(Failure) {
        if size > Self.mostInHeader {
            let record = Self.record("size", "\(size)")
            try write(Self.header("pax/" + Paths.lastComponent(of: name), size: record.count, flag: "x"))
            try write(record)
            try pad(record.count)
        }
        try write(Self.header(name, size: min(size, Self.mostInHeader), flag: "0"))
        let start = output.position
        try fill(output)
        guard output.position - start == size else {
            throw Failure(
                .internal, "an entry of a tar has another size than was said", object: name, path: output.path)
        }
        try pad(size)
    }

    /// Ends the tar.
    package func end() throws(Failure) { try write([UInt8](repeating: 0, count: 2 * TarReader.blockSize)) }

    /// So many bytes eleven octal digits can say.
    private static let mostInHeader = (1 << 33) - 1

    private func pad(_ size: Int) throws(Failure) {
        let rest = size % TarReader.blockSize
        if rest > 0 { try write([UInt8](repeating: 0, count: TarReader.blockSize - rest)) }
    }

    private func write(_ bytes: [UInt8]) throws(Failure) { try unsafe output.write(bytes.span.bytes) }

    private static func header(_ name: String, size: Int, flag: Character) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarReader.blockSize)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(name, at: 0)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put("        ", at: 148)
        put(String(flag), at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(block.reduce(0) { $0 + Int($1) }, digits: 6), at: 148)
        block[154] = 0
        return block
    }

    private static func octal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }

    /// A record, whose length counts its own digits.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count + 1
        while "\(length)".utf8.count + rest.utf8.count != length { length += 1 }
        return Array("\(length)\(rest)".utf8)
    }
}
