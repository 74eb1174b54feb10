package import Diagnostics
import Synchronization

/// What outputs are about to replace, moved out of the way under a hidden name; it comes back unless it is discarded.
///
/// It makes room for several outputs that belong together: as long as one of them is old, the others are not there.
package final class SetAside: Sendable {
    private let path: String
    private let hidden: String
    private let isDiscarded = Atomic(false)

    /// Nil where nothing is at `path`.
    package init?(_ path: String) throws(Failure) {
        guard try existing(path, followingLinks: false) != nil else { return nil }
        let hidden = Paths.temporary(beside: path, process: Syscalls.processNumber)
        try reporting(.output, "cannot move the older output away", path) { () throws(Errno) in
            try Syscalls.renameExclusively(path, to: hidden)
        }
        self.path = path
        self.hidden = hidden
    }

    deinit {
        if !isDiscarded.load(ordering: .relaxed) { try? Syscalls.renameExclusively(hidden, to: path) }
    }

    /// Removes it for good.
    package func discard() throws(Failure) {
        isDiscarded.store(true, ordering: .relaxed)
        try Folder.remove(hidden)
    }
}
