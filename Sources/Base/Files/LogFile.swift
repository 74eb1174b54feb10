package import Diagnostics

/// A file that grows by whole lines while work goes on, in a folder that outlives an interruption.
///
/// What is appended is in the file when ``append(_:)`` returns, and on the medium after the next ``flush()``. A crash may
/// leave more than was flushed, the last line cut short: whoever goes on says how much of it counts.
package final class LogFile: Sendable {
    private let path: String
    private let descriptor: Int32

    /// Opens the file at `path`, which is made where nothing is there, and cuts it to its first `byteCount` bytes.
    package init(at path: String, keeping byteCount: Int = 0) throws(Failure) {
        self.path = path
        descriptor = try reporting(.output, "cannot open the file", path) { () throws(Errno) in
            try Syscalls.openForAppending(path)
        }
        let descriptor = descriptor
        try reporting(.output, "cannot cut the file", path) { () throws(Errno) in
            try Syscalls.truncate(descriptor, to: byteCount, path: path)
        }
    }

    deinit {
        try? Syscalls.close(descriptor, path: path)
    }

    package func append(_ bytes: [UInt8]) throws(Failure) {
        try reporting(.output, "cannot write", path) { () throws(Errno) in
            try Syscalls.writeAll(bytes, to: descriptor, path: path)
        }
    }

    /// Waits until all of it is on the medium.
    package func flush() throws(Failure) {
        try reporting(.output, "cannot write", path) { () throws(Errno) in
            try Syscalls.flush(descriptor, path: path)
        }
    }
}
