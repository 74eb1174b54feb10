package import Diagnostics

/// `.OUT.tenon-partial` beside an output: where work that may be interrupted keeps what it needs to go on. Nobody else has it
/// meanwhile.
package final class WorkFolder: Sendable {
    private let path: String
    private let lock: FolderLock

    /// Makes it, or with `resuming` takes the one that is there; without, what an earlier one left is removed.
    ///
    /// Throws ``Failure/Code/notFound`` where there is nothing to go on from, ``Failure/Code/busy`` where another tenon has
    /// it, and ``Failure/Code/outputExists`` for what tenon did not make.
    package init(beside output: String, resuming: Bool) throws(Failure) {
        let name = Paths.lastComponent(of: output)
        path = Paths.joined(Paths.parent(of: output), ".\(name).tenon-partial")
        if resuming, try existing(path, followingLinks: false) != .folder {
            throw Failure(
                .notFound, "there is no interrupted work to go on from", path: path, hint: "begin without --resume")
        }
        lock = try FolderLock.take(path, for: output)
        if lock.isNew {
            Syscalls.mark(path)
            return
        }
        let names = try Folder.names(in: path)
        guard names.isEmpty || Syscalls.isMarked(path) else {
            throw Failure(
                .outputExists, "something that tenon did not make is where its unfinished work would be", object: path,
                path: output, hint: "remove it yourself, or name another output")
        }
        if !resuming { for name in names { try Folder.remove(Paths.joined(path, name)) } }
    }

    /// The place of a file in it.
    package func place(of name: String) -> String { Paths.joined(path, name) }

    /// The work is done, or nothing of it is worth keeping.
    package func remove() {
        try? Folder.remove(path)
    }
}
