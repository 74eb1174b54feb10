package import Diagnostics

/// `.OUT.tenon-partial` beside an output: where work that may be interrupted keeps what it needs to go on. Nobody else has it
/// meanwhile.
package final class WorkFolder: Sendable {
    private let path: String
    private let lock: FolderLock

    /// What is done with work that an earlier run left.
    package enum Earlier: Sendable {
        case goneOnWith, replaced, kept
    }

    /// Makes it, or takes the one that is there: to go on from, or to begin anew.
    ///
    /// Throws ``Failure/Code/notFound`` where there is nothing to go on from, ``Failure/Code/busy`` where another tenon has
    /// it, and ``Failure/Code/outputExists`` for what tenon did not make, and for earlier work that is to be kept.
    ///
    /// - Parameters:
    ///   - output: What the work is for.
    ///   - earlier: What to do where there is such a folder.
    ///   - state: The file for whose sake it is kept: without that there is nothing to be lost.
    package init(beside output: String, earlier: Earlier, state: String) throws(Failure) {
        path = Self.path(beside: output)
        if earlier == .goneOnWith, try existing(path, followingLinks: false) != .folder {
            throw Failure(
                .notFound, "there is no interrupted work to go on from", path: path, hint: "begin without --resume")
        }
        lock = try FolderLock.take(path, for: output)
        if lock.isNew {
            Syscalls.mark(path)
            return
        }
        let names = try Folder.names(in: path)
        guard names.isEmpty || names.contains(state) || Syscalls.isMarked(path) else {
            throw Failure(
                .outputExists, "something that tenon did not make is where its unfinished work would be", object: path,
                path: output, hint: "remove it yourself, or name another output")
        }
        if earlier == .kept { try Self.checkNone(beside: output, state: state) }
        if earlier != .goneOnWith { for name in names { try Folder.remove(Paths.joined(path, name)) } }
    }

    /// Throws ``Failure/Code/outputExists`` where an earlier run left work that could be gone on with.
    package static func checkNone(beside output: String, state: String) throws(Failure) {
        let path = path(beside: output)
        guard try existing(Paths.joined(path, state), followingLinks: false) != nil else { return }
        throw Failure(
            .outputExists, "an interrupted run left its work beside the output", object: path, path: output,
            hint: "--resume goes on with it, --force begins anew")
    }

    private static func path(beside output: String) -> String {
        Paths.joined(Paths.parent(of: output), ".\(Paths.lastComponent(of: output)).tenon-partial")
    }

    /// The place of a file in it.
    package func place(of name: String) -> String { Paths.joined(path, name) }

    /// The work is done, or nothing of it is worth keeping.
    package func remove() {
        try? Folder.remove(path)
    }
}
