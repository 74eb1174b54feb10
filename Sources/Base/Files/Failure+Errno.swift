package import Diagnostics

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What a file was wanted for; decides which failure an errno is.
package enum FilePurpose: Sendable {
    case input, output
}

extension Failure {
    /// The failure that `errno` means for a file wanted for `purpose`.
    ///
    /// - Parameter what: what could not be done, as in "cannot open the file".
    package init(_ errno: Errno, _ purpose: FilePurpose, _ what: String, path: String) {
        if errno.number == EINTR, let stopped = Cancellation.failure {
            self = stopped
            return
        }
        self.init(Self.code(errno.number, purpose), what, path: path, cause: errno.message)
        hints = Self.hint(errno.number, purpose, path: path).map { [$0] } ?? []
    }

    /// Whether all there is to say is that nobody reads our output any more.
    package var isClosedPipe: Bool { code == .closedPipe }

    private static func code(_ number: Int32, _ purpose: FilePurpose) -> Code {
        switch number {
        case ENOSPC, EDQUOT, EFBIG: return .noSpace
        case ENOMEM: return .outOfMemory
        case EACCES, EPERM: return .permission
        case EPIPE: return .closedPipe
        default: break
        }
        switch purpose {
        case .input:
            return switch number {
            case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG: .notFound
            // Sockets, and devices without a driver.
            case ENXIO, ENODEV, EOPNOTSUPP, EISDIR: .notRegular
            default: .inputOutput
            }
        case .output:
            return switch number {
            case EEXIST, ENOTEMPTY: .outputExists
            case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EISDIR, EROFS, EXDEV, EBUSY: .cannotCreate
            default: .inputOutput
            }
        }
    }

    private static func hint(_ number: Int32, _ purpose: FilePurpose, path: String) -> String? {
        switch (number, purpose) {
        case (ENOSPC, _): "free some space there, or write elsewhere"
        case (EDQUOT, _): "your quota there is used up"
        case (EFBIG, _): "raise the file size limit (ulimit -f), or write to another file system"
        case (EMFILE, _): "raise the limit of open files (ulimit -n)"
        case (EEXIST, .output), (ENOTEMPTY, .output): "--force replaces it"
        case (ENOENT, .output): "make the folder first: mkdir -p \(Paths.parent(of: path))"
        default: nil
        }
    }
}

/// Runs `body` and says what an errno from it means for the file at `path`.
func reporting<Value>(
    _ purpose: FilePurpose, _ what: String, _ path: String, _ body: () throws(Errno) -> Value
) throws(Failure) -> Value {
    do throws(Errno) {
        return try body()
    } catch {
        throw Failure(error, purpose, what, path: path)
    }
}
