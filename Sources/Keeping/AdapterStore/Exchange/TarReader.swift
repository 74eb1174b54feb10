package import Diagnostics
package import Files

/// A plain file in a tar.
package struct TarEntry: Sendable {
    /// Without "./" before it.
    package let name: String
    /// Where its bytes begin in the tar.
    package let offset: Int
    /// In bytes.
    package let size: Int
}

/// Reads which files a tar holds: POSIX's ustar and pax formats, and what GNU's tar writes of short names.
///
/// What lies outside, is no plain file or folder, or comes twice is refused, all with ``Failure/Code/importRejected``. What
/// is held in memory is the names, of which there are ``mostEntries`` at most.
package enum TarReader {
    static let blockSize = 512
    /// More than a layout of so many manifests has.
    static let mostEntries = 4 * ImageLayout.mostDescriptors
    private static let mostExtensionBytes = 1 << 16
    private static let mostNameBytes = 256
    /// What may follow the end: writers fill up to whole records.
    private static let mostPaddingBytes = 1 << 20

    /// The plain files, in their order.
    package static func entries(of file: any FileContent) throws(Failure) -> [TarEntry] {
        var entries: [TarEntry] = []
        var names: Set<String> = []
        var extended = TarExtension()
        var count = 0
        var offset = 0
        while true {
            try Cancellation.check()
            let block = try self.block(of: file, at: offset)
            if block.allSatisfy({ $0 == 0 }) {
                guard extended.isEmpty else { throw refusal("it ends within an entry", file, offset) }
                try checkEnd(of: file, at: offset + blockSize)
                return entries
            }
            let header: TarHeader
            do throws(TarHeader.Fault) {
                header = try TarHeader(block)
            } catch {
                throw refusal(error.what, file, offset)
            }
            count += 1
            guard count <= mostEntries else { throw refusal("it has more than \(mostEntries) entries", file, offset) }
            let size = header.kind == .plain ? extended.size ?? header.size : header.size
            let start = offset + blockSize
            guard size <= file.size - start else {
                throw refusal("an entry is longer than what is left of the tar", file, offset)
            }
            switch header.kind {
            case .extended:
                guard extended.isEmpty else { throw refusal("two extended headers follow each other", file, offset) }
                guard size <= mostExtensionBytes, let read = TarExtension(try file.read(at: start, count: size)) else {
                    throw refusal("an extended header is malformed or of a kind that is not read", file, offset)
                }
                extended = read
            case .plain, .folder:
                guard let name = plainName(extended.path ?? header.name, isFolder: header.kind == .folder) else {
                    throw refusal(
                        "an entry's name leads out of it or is no blob's: \(extended.path ?? header.name)", file,
                        offset)
                }
                if header.kind == .plain {
                    guard names.insert(name).inserted else {
                        throw refusal("a name comes twice: \(name)", file, offset)
                    }
                    entries.append(TarEntry(name: name, offset: start, size: size))
                } else if size != 0 {
                    throw refusal("a folder has bytes", file, offset)
                }
                extended = TarExtension()
            }
            // No overflow: the size is at most the file's.
            offset = start + (size + blockSize - 1) / blockSize * blockSize
        }
    }

    private static func block(of file: any FileContent, at offset: Int) throws(Failure) -> [UInt8] {
        guard offset <= file.size - blockSize else {
            throw refusal("it ends too early", file, offset)
        }
        let block = try file.read(at: offset, count: blockSize)
        if offset == 0, block[0] == 0x1F, block[1] == 0x8B { throw refusal(compressed, file, offset) }
        return block
    }

    private static let compressed = "it is compressed; take that away first: gzip -d"

    /// A tar ends with two blocks of zeros; what follows must be zeros as well.
    private static func checkEnd(of file: any FileContent, at offset: Int) throws(Failure) {
        let rest = file.size - offset
        guard rest >= blockSize else { throw refusal("it ends too early", file, offset) }
        guard rest <= mostPaddingBytes, try file.read(at: offset, count: rest).allSatisfy({ $0 == 0 }) else {
            throw refusal("something follows its end", file, offset)
        }
    }

    /// The parts of a name that stays within the layout, joined; nil for any other, and for a file among the blobs whose name
    /// is no digest.
    private static func plainName(_ name: String, isFolder: Bool) -> String? {
        var parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if isFolder, parts.last == "" { parts.removeLast() }
        while parts.first == "." { parts.removeFirst() }
        if isFolder, parts.isEmpty { return "" }
        // The longest that a layout has are those of blobs.
        guard name.utf8.count <= mostNameBytes else { return nil }
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        }
        guard isPlain, !parts.isEmpty else { return nil }
        if !isFolder, parts[0] == "blobs" {
            let isBlob = parts.count == 3 && parts[1] == "sha256" && parts[2].utf8.count == 64
            let isDigest = parts.last?.utf8.allSatisfy {
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
            }
            guard isBlob, isDigest == true else { return nil }
        }
        return parts.joined(separator: "/")
    }

    private static func refusal(_ cause: String, _ file: any FileContent, _ offset: Int) -> Failure {
        var failure = Failure.importRejected("the tar is damaged or holds no layout", path: file.path, offset: offset)
        failure.cause = cause
        return failure
    }
}
