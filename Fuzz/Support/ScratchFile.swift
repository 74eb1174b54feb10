import Diagnostics
package import Files
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file in the temporary folder whose content is replaced from run to run, for readers that want an `InputFile`.
package final class ScratchFile: Sendable {
    package let path: String
    private let descriptor: Int32
    private let size = Mutex(0)

    package init(_ name: String) {
        path = Paths.joined(Self.folder, name)
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        require(descriptor >= 0, "\(path) can be made")
    }

    /// Where scratch files go: TMPDIR, which `Scripts/fuzz` points at a folder of its own.
    package static let folder = Syscalls.environment("TMPDIR") ?? "/tmp"
    /// The one most targets need.
    package static let shared = ScratchFile("input")

    /// Replaces the content by `bytes` and, behind them, zeros up to `count`.
    package func replace(by bytes: [UInt8], count: Int? = nil) {
        let count = max(count ?? 0, bytes.count)
        size.withLock { size in
            if size != bytes.count || count != bytes.count {
                require(ftruncate(descriptor, 0) == 0, "files can shrink")
            }
            let written = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
            require(written == bytes.count, "files can be written")
            if count != bytes.count { require(ftruncate(descriptor, off_t(count)) == 0, "files can grow") }
            size = count
        }
    }

    /// The file, opened anew, with `bytes` in it.
    package func holding(_ bytes: [UInt8]) -> InputFile {
        replace(by: bytes)
        return demanded("a scratch file can be opened") { () throws(Failure) in try InputFile(path: path) }
    }
}
