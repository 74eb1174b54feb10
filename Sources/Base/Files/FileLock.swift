package import Diagnostics

/// A file that is held, by one or together with others that only share it, until this is released. Nothing is in it.
///
/// The system lets go of it when the process ends, however that ends. A file system without such locks keeps nobody out.
package final class FileLock: Sendable {
    package enum Mode: Sendable {
        case shared, exclusive
    }

    private static let pause = 10

    private let path: String
    private let descriptor: Int32

    /// Takes the file at `path`, which is made where nothing is there, and waits for it as long as `patience` lasts.
    ///
    /// Throws ``Failure/Code/busy`` with `reason` where others do not let go of it.
    ///
    /// - Parameter patience: In milliseconds.
    package init(_ path: String, _ mode: Mode, patience: Int, reason: String) throws(Failure) {
        self.path = path
        descriptor = try reporting(.output, "cannot open the lock", path) { () throws(Errno) in
            try Syscalls.openForAppending(path)
        }
        let descriptor = descriptor
        let isTaken = try reporting(.output, "cannot lock the file", path) { () throws(Errno) in
            var waited = 0
            while !(try Syscalls.lock(descriptor, shared: mode == .shared, path: path)) {
                guard waited < patience, !Cancellation.isRequested else { return false }
                Syscalls.sleep(milliseconds: Int32(Self.pause))
                waited += Self.pause
            }
            return true
        }
        try Cancellation.check()
        guard isTaken else {
            throw Failure(.busy, reason, path: path, hint: "try again when it has ended")
        }
    }

    deinit {
        try? Syscalls.close(descriptor, path: path)
    }
}
