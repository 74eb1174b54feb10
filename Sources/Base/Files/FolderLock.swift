package import Diagnostics

/// A folder that this process has to itself, under whatever name it goes, until this is released.
///
/// It is the folder that is locked and not a file in it, so that the lock goes with it where it is renamed. A file
/// system without such locks keeps nobody out.
package final class FolderLock: Sendable {
    /// Whether the folder was made for this.
    package let isNew: Bool
    private let descriptor: Int32
    private let place: String

    private init(_ descriptor: Int32, _ place: String, isNew: Bool) {
        self.descriptor = descriptor
        self.place = place
        self.isNew = isNew
    }

    deinit {
        try? Syscalls.close(descriptor, path: place)
    }

    /// Takes the folder at `place`, which is made where nothing is there.
    ///
    /// Throws ``Failure/Code/busy`` where another has it.
    ///
    /// - Parameter path: The output that it is for, for messages.
    package static func take(_ place: String, for path: String) throws(Failure) -> FolderLock {
        for _ in 0..<8 {
            let isNew = try make(place, path)
            do throws(Errno) {
                let lock = FolderLock(
                    try Syscalls.openFolder(place, followingLinks: false), place, isNew: isNew)
                guard try Syscalls.lock(lock.descriptor, path: place) else { break }
                if try lock.isStillThere() { return lock }
            } catch {
                // Whoever had it has put it in its place, or removed it.
                if error.isAbsent { continue }
                if isNew { try? Syscalls.removeFolder(place) }
                throw Failure(error, .output, "cannot lock the folder", path: path)
            }
        }
        throw Failure(
            .busy, "another tenon is writing this output", path: path, hint: "wait for it, or name another output")
    }

    private static func make(_ place: String, _ path: String) throws(Failure) -> Bool {
        do throws(Errno) {
            try Syscalls.makeFolder(place)
            return true
        } catch {
            if error.isExists { return false }
            throw Failure(error, .output, "cannot create the folder", path: path)
        }
    }

    /// Whether the name still leads to the folder that was locked: it may have gone between opening and locking.
    private func isStillThere() throws(Errno) -> Bool {
        let own = try Syscalls.status(of: descriptor, path: place).identity
        let there = try Syscalls.status(place, followingLinks: false).identity
        return own.inode == there.inode && own.device == there.device
    }
}
