package import Diagnostics

/// A regular file open for reading, by any number of threads at once.
///
/// Nothing here waits for a writer, maps memory or trusts that the file stays as it was: a file that shrinks while it
/// is read is an error, not a crash.
package final class InputFile: FileContent {
    /// As the user named it.
    package let path: String
    /// What the file was when it was opened.
    package let identity: FileIdentity
    let descriptor: Int32

    /// In bytes, when the file was opened.
    package var size: Int { identity.size }
    package var diskIdentity: FileIdentity? { identity }

    /// Opens the file at `path`, following symbolic links; or, if told so, refusing one that is the file itself.
    ///
    /// Throws ``Failure/Code/notFound``, ``Failure/Code/permission``, or ``Failure/Code/notRegular`` for a folder, a
    /// device, a named pipe, a socket or a file of /proc.
    package convenience init(path: String, followingLinks: Bool = true) throws(Failure) {
        let descriptor = try reporting(.input, "cannot open the file", path) { () throws(Errno) in
            try Syscalls.openForReading(path, followingLinks: followingLinks)
        }
        try self.init(adopting: descriptor, path: path)
    }

    /// Takes over an open descriptor; it is closed even where this throws.
    init(adopting descriptor: Int32, path: String) throws(Failure) {
        do throws(Failure) {
            identity = try Self.identity(of: descriptor, path: path)
        } catch {
            try? Syscalls.close(descriptor, path: path)
            throw error
        }
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        try? Syscalls.close(descriptor, path: path)
    }

    // MARK: Reading

    /// Fills `target` with the bytes from `offset` on.
    ///
    /// Throws ``Failure/Code/truncated`` where the file never was that long, and ``Failure/Code/changedDuringRead``
    /// where it was when it was opened and is no more.
    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let total = target.byteCount
        try checkRange(offset, total)
        try unsafe target.withUnsafeMutableBytes { (buffer) throws(Failure) in
            var done = 0
            while done < total {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                let count = try reporting(.input, "cannot read the file", path) { () throws(Errno) in
                    try unsafe Syscalls.read(descriptor, at: offset + done, into: rest, path: path)
                }
                if count == 0 {
                    throw Failure(
                        .changedDuringRead, "the file became shorter while it was read", offset: UInt64(offset + done),
                        path: path, expected: "\(size) bytes")
                }
                done += count
            }
        }
    }

    // MARK: Staying the same

    /// Throws ``Failure/Code/changedDuringRead`` where the file is no longer what it was when it was opened.
    package func checkUnchanged() throws(Failure) {
        let now = try reporting(.input, "cannot read the file", path) { () throws(Errno) in
            try Syscalls.status(of: descriptor, path: path).identity
        }
        if now != identity {
            throw Failure(.changedDuringRead, "the file was changed while it was read", path: path)
        }
    }

    private static func identity(of descriptor: Int32, path: String) throws(Failure) -> FileIdentity {
        let status = try reporting(.input, "cannot read the file", path) { () throws(Errno) in
            try Syscalls.status(of: descriptor, path: path)
        }
        switch status.kind {
        case .file: break
        case .folder: throw Failure(.notRegular, "a folder, where a file was expected", path: path)
        default: throw Failure(.notRegular, "not a regular file", path: path)
        }
        if status.identity.size == 0, try isMadeUp(descriptor, path) {
            throw Failure(.notRegular, "not a file on a disk: the system makes it up as it is read", path: path)
        }
        return status.identity
    }

    /// Whether a file of size 0 has content, as those of /proc do.
    private static func isMadeUp(_ descriptor: Int32, _ path: String) throws(Failure) -> Bool {
        var byte: [UInt8] = [0]
        var span = byte.mutableSpan
        var target = unsafe span.mutableBytes
        return try reporting(.input, "cannot read the file", path) { () throws(Errno) in
            let count = try unsafe target.withUnsafeMutableBytes { (buffer) throws(Errno) in
                try unsafe Syscalls.read(descriptor, at: 0, into: buffer, path: path)
            }
            // Somebody may have written in between; then the size tells.
            if count == 0 { return false }
            return try Syscalls.status(of: descriptor, path: path).identity.size == 0
        }
    }

    // MARK: Advice

    /// How a range of a file will be used.
    package enum Advice: Int32, Sendable {
        case inOrder, soon, noMore
    }

    /// Tells the system what to expect; changes nothing but speed.
    package func advise(_ advice: Advice, _ range: Range<Int>) {
        Syscalls.advise(descriptor, range, advice.rawValue)
    }
}
