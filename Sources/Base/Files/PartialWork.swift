import Diagnostics
import Synchronization

/// A folder that is being filled and outlives an interruption: its finished files, and a journal that names them.
///
/// The journal's first line says what the files are made of; every other one gives the digest and the name of a file
/// that is whole and on the medium. The folder is locked from before anything in it is looked at until it is let go,
/// which is after it was renamed.
final class PartialWork: Sendable {
    static let journalName = ".journal"

    private let workPath: String
    /// Where it will be put, for messages.
    private let path: String
    private let lock: Mutex<FolderLock?>
    private let journal: Int32
    /// The digests of the finished files by the bytes of their names.
    private let files: Mutex<[[UInt8]: String]>

    init(at workPath: String, for path: String, key: String, resuming: Bool) throws(Failure) {
        if let there = try existing(workPath, followingLinks: false), there != .folder {
            throw Self.notOurs(workPath, path)
        }
        let lock = try FolderLock.take(workPath, for: path)
        self.lock = Mutex(lock)
        self.workPath = workPath
        self.path = path
        do throws(Failure) {
            let noted = lock.isNew ? [:] : try Self.takeOver(workPath, path, key: key, resuming: resuming)
            if lock.isNew { Syscalls.mark(workPath) }
            journal = try reporting(.output, "cannot create the journal", path) { () throws(Errno) in
                try Syscalls.createFile(Paths.joined(workPath, Self.journalName))
            }
            files = Mutex(noted)
        } catch {
            // Nothing is in it yet that is worth keeping.
            if lock.isNew { try? Folder.remove(workPath) }
            throw error
        }
        do throws(Failure) {
            try append("key \(key)\n" + finished.map { line($0.name, digest: $0.digest) }.joined())
        } catch {
            if lock.isNew { try? Folder.remove(workPath) }
            throw error
        }
    }

    deinit {
        try? Syscalls.close(journal, path: workPath)
    }

    /// The finished files that an earlier run left, with what was noted of them, by name.
    var finished: [(name: String, digest: String)] {
        files.withLock { files in
            files.map { (String(decoding: $0.key, as: UTF8.self), $0.value) }
                .sorted { $0.name.precedesInBytes($1.name) }
        }
    }

    func digest(of name: String) -> String? { files.withLock { $0[Array(name.utf8)] } }

    /// Removes a finished file that is not what was noted of it.
    func discard(_ name: String) throws(Failure) {
        try Folder.remove(Paths.joined(workPath, name))
        files.withLock { $0[Array(name.utf8)] = nil }
    }

    func note(_ name: String, digest: String) throws(Failure) {
        try append(line(name, digest: digest))
    }

    /// Takes the journal away: the folder is complete.
    func end() throws(Failure) {
        try reporting(.output, "cannot remove the journal", path) { () throws(Errno) in
            try Syscalls.unlink(Paths.joined(workPath, Self.journalName))
        }
    }

    /// Lets others have the folder, which has got its name.
    func letGo() { lock.withLock { $0 = nil } }

    private func line(_ name: String, digest: String) -> String { "done \(digest) \(name)\n" }

    private func append(_ text: String) throws(Failure) {
        try reporting(.output, "cannot write the journal", path) { () throws(Errno) in
            try Syscalls.writeAll(Array(text.utf8), to: journal)
            try Syscalls.flush(journal, path: workPath)
        }
    }

    // MARK: What is there

    /// Looks through a folder that was there, keeps what can be gone on with, and clears the rest.
    private static func takeOver(
        _ workPath: String, _ path: String, key: String, resuming: Bool
    ) throws(Failure) -> [[UInt8]: String] {
        try checkOurs(workPath, path)
        let journal = Paths.joined(workPath, journalName)
        var noted = resuming ? try finished(in: journal, key: key, path) : [:]
        var kept: [[UInt8]: String] = [:]
        for name in try Folder.names(in: workPath) {
            let place = Paths.joined(workPath, name)
            let digest = noted.removeValue(forKey: Array(name.utf8))
            if let digest, try existing(place, followingLinks: false) == .file {
                kept[Array(name.utf8)] = digest
            } else {
                try Folder.remove(place)
            }
        }
        return kept
    }

    private static func notOurs(_ workPath: String, _ path: String) -> Failure {
        Failure(
            .outputExists, "something that tenon did not make is where its unfinished work would be", object: workPath,
            path: path, hint: "remove it yourself, or name another output")
    }

    /// Refuses to clear what is no folder of ours: whoever wants it gone removes it.
    private static func checkOurs(_ workPath: String, _ path: String) throws(Failure) {
        if Syscalls.isMarked(workPath) { return }
        let names = try Folder.names(in: workPath)
        guard names.isEmpty || names.contains(journalName) else { throw notOurs(workPath, path) }
    }

    /// The finished files that the journal names, with their digests.
    private static func finished(
        in journal: String, key: String, _ path: String
    ) throws(Failure) -> [[UInt8]: String] {
        guard try existing(journal, followingLinks: false) == .file else { return [:] }
        let file = try InputFile(path: journal)
        let text = String(decoding: try file.read(at: 0, count: min(file.size, 1 << 24)), as: UTF8.self)
        // A line that a crash cut short does not count.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard lines.first.map({ $0 == "key \(key)" }) ?? true else {
            throw Failure(
                .outputExists, "the unfinished work beside the output was made of other inputs", path: path,
                hint: "without --resume it is begun anew; a merge asks for --force then")
        }
        var finished: [[UInt8]: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: " ", maxSplits: 2)
            // Files in subfolders are made again.
            guard parts.count == 3, parts[0] == "done", !parts[2].utf8.contains(UInt8(ascii: "/")) else { continue }
            finished[Array(parts[2].utf8)] = String(parts[1])
        }
        return finished
    }
}
