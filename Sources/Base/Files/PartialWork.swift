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
        let there = try existing(workPath, followingLinks: false)
        let isThere = there != nil
        if let there {
            try Self.checkOurs(workPath, there, path)
            try Self.checkIdle(journal, path)
            let noted = resuming ? try Self.finished(in: journal, key: key, path) : [:]
            finished = try Self.clear(workPath, but: noted)
        } else {
            finished = []
            try reporting(.output, "cannot create the folder", path) { () throws(Errno) in
                try Syscalls.makeFolder(workPath)
            }
            Syscalls.mark(workPath)
        }
        do throws(Failure) {
            descriptor = try reporting(.output, "cannot create the journal", path) { () throws(Errno) in
                try Syscalls.createFile(journal)
            }
        } catch {
            if !isThere { try? Folder.remove(workPath) }
            throw error
        }
        guard Syscalls.lock(descriptor) else { throw Self.busy(path) }
        do throws(Failure) {
            try append("key \(key)\n")
            for name in finished.sorted(by: { $0.precedesInBytes($1) }) { try note(name) }
        } catch {
            // Nothing is in it yet that is worth keeping.
            if !isThere { try? Folder.remove(workPath) }
            throw error
        }
    }

    deinit {
        try? Syscalls.close(descriptor, path: workPath)
    }

    func note(_ name: String) throws(Failure) {
        let size = try InputFile(path: Paths.joined(workPath, name)).size
        try append("done \(size) \(name)\n")
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

    /// Refuses to clear what is no folder of ours: whoever wants it gone removes it.
    private static func checkOurs(_ workPath: String, _ kind: FileKind, _ path: String) throws(Failure) {
        if kind == .folder {
            if Syscalls.isMarked(workPath) { return }
            let names = try Folder.entries(of: workPath).map(\.name)
            if names.isEmpty || names.contains(journalName) { return }
        }
        throw Failure(
            .outputExists, "something that tenon did not make is where its unfinished work would be", object: workPath,
            path: path, hint: "remove it yourself, or name another output")
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

    /// The finished files that the journal names, with their sizes.
    private static func finished(
        in journal: String, key: String, _ path: String
    ) throws(Failure) -> [String: Int] {
        guard try existing(journal, followingLinks: false) == .file else { return [:] }
        let file = try InputFile(path: journal)
        let text = String(decoding: try file.read(at: 0, count: min(file.size, 1 << 24)), as: UTF8.self)
        // A line that a crash cut short does not count.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard lines.first.map({ $0 == "key \(key)" }) ?? true else {
            throw Failure(
                .outputExists, "the unfinished work beside the output was made of other inputs", path: path,
                hint: "without --resume it is begun anew")
        }
        var finished: [String: Int] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: " ", maxSplits: 2)
            // Files in subfolders are made again.
            guard parts.count == 3, parts[0] == "done", let size = Int(parts[1]),
                !parts[2].utf8.contains(UInt8(ascii: "/"))
            else { continue }
            finished[String(parts[2])] = size
        }
        return finished
    }

    /// Removes all but the files that are finished and as long as they were, and gives the names of those.
    private static func clear(_ folder: String, but finished: [String: Int]) throws(Failure) -> Set<String> {
        var kept: Set<String> = []
        for entry in try Folder.entries(of: folder) {
            let place = Paths.joined(folder, entry.name)
            if finished[entry.name] == entry.size, try existing(place, followingLinks: false) == .file {
                kept.insert(entry.name)
            } else {
                try Folder.remove(place)
            }
        }
        return kept
    }
}
