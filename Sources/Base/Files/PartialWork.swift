import Diagnostics
import Synchronization

/// A folder that is being filled and outlives an interruption: its finished files, and a journal that names them.
///
/// The journal's first line says what the files are made of; every other one names a file that is whole and on the
/// medium. Whoever holds its lock has the folder to itself.
final class PartialWork: Sendable {
    private static let journalName = ".journal"

    let finished: Set<String>
    private let workPath: String
    /// Where it will be put, for messages.
    private let path: String
    private let descriptor: Int32

    init(at workPath: String, for path: String, key: String, resuming: Bool) throws(Failure) {
        self.workPath = workPath
        self.path = path
        let journal = Paths.joined(workPath, Self.journalName)
        let isThere = try existing(workPath, followingLinks: false) != nil
        if isThere {
            try Self.checkIdle(journal, path)
            finished = resuming ? try Self.finished(in: journal, key: key, path) : []
            try Self.clear(workPath, but: finished)
        } else {
            finished = []
            try reporting(.output, "cannot create the folder", path) { () throws(Errno) in
                try Syscalls.makeFolder(workPath)
            }
        }
        descriptor = try reporting(.output, "cannot create the journal", path) { () throws(Errno) in
            try Syscalls.createFile(journal)
        }
        guard Syscalls.lock(descriptor) else { throw Self.busy(path) }
        try append("key \(key)\n")
        for name in finished.sorted(by: { $0.precedesInBytes($1) }) { try append("done \(name)\n") }
    }

    deinit {
        try? Syscalls.close(descriptor, path: workPath)
    }

    func note(_ name: String) throws(Failure) {
        try append("done \(name)\n")
    }

    /// Takes the journal away: the folder is complete.
    func end() throws(Failure) {
        try reporting(.output, "cannot remove the journal", path) { () throws(Errno) in
            try Syscalls.unlink(Paths.joined(workPath, Self.journalName))
        }
    }

    private func append(_ line: String) throws(Failure) {
        try reporting(.output, "cannot write the journal", path) { () throws(Errno) in
            try Syscalls.writeAll(Array(line.utf8), to: descriptor)
            try Syscalls.flush(descriptor, path: workPath)
        }
    }

    // MARK: What is there

    private static func busy(_ path: String) -> Failure {
        Failure(.busy, "another tenon is writing this output", path: path, hint: "wait for it, or name another output")
    }

    private static func checkIdle(_ journal: String, _ path: String) throws(Failure) {
        guard try existing(journal, followingLinks: false) != nil else { return }
        let descriptor = try reporting(.output, "cannot open the journal", path) { () throws(Errno) in
            try Syscalls.openForReading(journal)
        }
        let isIdle = Syscalls.lock(descriptor)
        try? Syscalls.close(descriptor, path: journal)
        if !isIdle { throw busy(path) }
    }

    private static func finished(in journal: String, key: String, _ path: String) throws(Failure) -> Set<String> {
        guard try existing(journal, followingLinks: false) != nil else { return [] }
        let file = try InputFile(path: journal)
        let text = String(decoding: try file.read(at: 0, count: min(file.size, 1 << 24)), as: UTF8.self)
        // A line that a crash cut short does not count.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard lines.first.map({ $0 == "key \(key)" }) ?? true else {
            throw Failure(
                .outputExists, "the unfinished work beside the output was made of other inputs", path: path,
                hint: "without --resume it is begun anew")
        }
        // Files in subfolders are made again.
        return Set(lines.dropFirst().compactMap { $0.hasPrefix("done ") ? String($0.dropFirst(5)) : nil })
            .filter { !$0.utf8.contains(UInt8(ascii: "/")) }
    }

    /// Removes all but the files that are finished.
    private static func clear(_ folder: String, but finished: Set<String>) throws(Failure) {
        for entry in try Folder.entries(of: folder) where !finished.contains(entry.name) {
            try Folder.remove(Paths.joined(folder, entry.name))
        }
    }
}
