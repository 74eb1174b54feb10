package import Diagnostics
import Files

/// A place in the store's own file system where an object is written before it is one; removed with what is in it when this
/// is released. Whoever dies meanwhile lets go of its lock, and the next to stage something sweeps it away.
package final class Staging: Sendable {
    private let folder: String
    private let lock: FolderLock

    /// Where the container is to be written.
    package var container: String { place(of: "object.tenon") }

    init(in layout: StoreLayout) throws(Failure) {
        var tries = 0
        while true {
            let random = String(UInt64.random(in: .min ... .max), radix: 36)
            let folder = Paths.joined(layout.staging, "\(Syscalls.processNumber)-\(random)")
            do throws(Failure) {
                lock = try FolderLock.take(folder, for: folder)
                self.folder = folder
                return
            } catch {
                // Whoever sweeps may have found it before it was locked.
                tries += 1
                guard error.code == .busy, tries < 100 else { throw error }
            }
        }
    }

    deinit {
        try? Folder.remove(folder)
    }

    /// The place of a file in it.
    package func place(of name: String) -> String { Paths.joined(folder, name) }
}

extension AdapterStore {
    /// A new place to write an object at.
    package func stage() throws(Failure) -> Staging {
        try sweep()
        return try Staging(in: layout)
    }

    /// Removes what processes that are no more have left; those that are alive hold a lock.
    func sweep() throws(Failure) {
        for entry in try Folder.entries(of: layout.staging) where entry.kind == .folder {
            let path = Paths.joined(layout.staging, entry.name)
            do throws(Failure) {
                let lock = try FolderLock.take(path, for: path)
                try withExtendedLifetime(lock) { () throws(Failure) in try Folder.remove(path) }
            } catch {
                guard error.code == .busy else { throw error }
            }
        }
    }
}
