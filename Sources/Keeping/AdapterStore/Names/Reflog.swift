import Diagnostics
import Digests
import Files

/// The file that keeps every operation on names, so that they survive the loss of the catalog.
///
/// Each line is the XXH3-64 of what follows as 16 hexadecimal digits, a space, and a ``ReflogLine``. It is written after the
/// catalog has committed, so it never knows more than the catalog does; what it lacks after a crash is in the catalog's
/// outbox.
struct Reflog {
    let layout: StoreLayout
    /// In milliseconds.
    let patience: Int

    /// What the file holds.
    struct Content {
        var lines: [ReflogLine] = []
        /// How many bytes hold whole lines, one after the other from the beginning.
        var soundBytes = 0
        var size = 0
        /// Lines that are damaged; a last one that was cut short does not count.
        var damagedLines = 0
        /// How many of those no whole line follows.
        var damagedAtEnd = 0

        var generation: Int { lines.last?.generation ?? 0 }
    }

    private static let checkDigits = 16
    /// More than one operation takes, but for the largest.
    private static let tailBytes = 1 << 16

    // MARK: Reading

    /// All of it; nothing where there is no file.
    func content() throws(Failure) -> Content {
        var content = Content()
        guard try Folder.kind(of: layout.reflog) == .file else { return content }
        let file = try InputFile(path: layout.reflog)
        content.size = file.size
        let bytes = try file.read(at: 0, count: file.size)
        var start = 0
        var isSound = true
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let line = Self.line(bytes[start..<end]), line.generation > content.generation {
                content.lines.append(line)
                content.damagedAtEnd = 0
            } else {
                content.damagedLines += 1
                content.damagedAtEnd += 1
                isSound = false
            }
            start = end + 1
            if isSound { content.soundBytes = start }
        }
        return content
    }

    /// Whether the file at `path` begins as a store's reflog does.
    static func isOne(at path: String) throws(Failure) -> Bool {
        guard try Folder.kind(of: path) == .file else { return false }
        let file = try InputFile(path: path)
        let bytes = try file.read(at: 0, count: min(file.size, ReflogLine.longest + checkDigits + 2))
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return false }
        return line(bytes[..<end]) != nil
    }

    /// The generation of its last whole line; 0 where there is none.
    func generation() throws(Failure) -> Int {
        guard try Folder.kind(of: layout.reflog) == .file else { return 0 }
        return try tail(of: InputFile(path: layout.reflog)).generation
    }

    /// The last whole line's generation, and where it ends.
    private func tail(of file: InputFile) throws(Failure) -> (generation: Int, end: Int) {
        let first = max(0, file.size - Self.tailBytes)
        let bytes = try file.read(at: first, count: file.size - first)
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            if first == 0 { return (0, 0) }
            let content = try content()
            return (content.generation, content.soundBytes)
        }
        let start = bytes[..<end].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if start == 0 && first > 0 { return (try content().generation, first + end + 1) }
        guard let line = Self.line(bytes[start..<end]) else { return (try content().generation, first + end + 1) }
        return (line.generation, first + end + 1)
    }

    private static func line(_ bytes: ArraySlice<UInt8>) -> ReflogLine? {
        guard bytes.count > checkDigits + 1, bytes[bytes.startIndex + checkDigits] == UInt8(ascii: " ") else {
            return nil
        }
        let text = Array(bytes.dropFirst(checkDigits + 1))
        guard Array(bytes.prefix(checkDigits)) == check(text) else { return nil }
        return ReflogLine(parsing: text)
    }

    private static func check(_ text: [UInt8]) -> [UInt8] {
        let digits = String(XXH3.hash(text), radix: 16)
        return Array((String(repeating: "0", count: checkDigits - digits.utf8.count) + digits).utf8)
    }

    private static func bytes(of text: String) -> [UInt8] {
        let text = Array(text.utf8)
        return check(text) + [UInt8(ascii: " ")] + text + [UInt8(ascii: "\n")]
    }

    // MARK: Writing

    /// Appends what `catalog` has in its outbox and this lacks, waits until it is on the medium, and gives the generation
    /// that it then has.
    @discardableResult
    func catchUp(with catalog: Catalog) throws(Failure) -> Int {
        let lock = try FileLock(
            layout.reflogLock, .exclusive, patience: patience, reason: "another process is writing the reflog")
        return try withExtendedLifetime(lock) { () throws(Failure) in
            var (generation, end) = (0, 0)
            if try Folder.kind(of: layout.reflog) == .file {
                (generation, end) = try tail(of: InputFile(path: layout.reflog))
            }
            let lines = try catalog.outbox(after: generation)
            guard let last = Self.last(of: lines) else { return generation }
            if let sound = try endBeforeTornLine(before: end, generation, lines) { end = sound }
            let log = try LogFile(at: layout.reflog, keeping: end)
            try log.append(lines.flatMap { Self.bytes(of: $0) })
            try log.flush()
            return last.generation
        }
    }

    private static func last(of lines: [String]) -> ReflogLine? {
        lines.last.flatMap { ReflogLine(parsing: Array($0.utf8)) }
    }

    /// Whether `lines`, which the outbox has, are all that came after a generation.
    private static func areAll(_ lines: [String], after generation: Int) -> Bool {
        last(of: lines)?.generation == generation + lines.count
    }

    /// Where the whole lines end, where what follows them is damaged and will be written again: a machine that lost power may
    /// have written the end of a line and not its beginning.
    private func endBeforeTornLine(before end: Int, _ generation: Int, _ lines: [String]) throws(Failure) -> Int? {
        guard end > 0, Self.areAll(lines, after: generation) else { return nil }
        let content = try content()
        return content.damagedLines > 0 && content.damagedLines == content.damagedAtEnd ? content.soundBytes : nil
    }

    /// Whether whole lines are missing or damaged that nothing else has.
    func isDamaged(_ content: Content, beside catalog: Catalog) throws(Failure) -> Bool {
        guard content.damagedLines > 0 else { return false }
        guard content.damagedLines == content.damagedAtEnd else { return true }
        return try !Self.areAll(catalog.outbox(after: content.generation), after: content.generation)
    }

    /// Writes it anew, with these lines.
    func replace(with lines: [ReflogLine]) throws(Failure) {
        try StorePlace.write(lines.flatMap { Self.bytes(of: $0.text) }, to: layout.reflog)
    }
}
