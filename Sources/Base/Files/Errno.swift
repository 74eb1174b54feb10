#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The number with which the kernel refused a call.
package struct Errno: Error, Hashable, Sendable {
    package let number: Int32

    package init(_ number: Int32) {
        self.number = number
    }

    /// What the last call of this thread left behind.
    static var last: Errno { Errno(errno) }

    static var inputOutput: Errno { Errno(EIO) }
    static var unsupported: Errno { Errno(ENOTSUP) }

    var isExists: Bool { number == EEXIST }
    var isAbsent: Bool { number == ENOENT }
    var isLoop: Bool { number == ELOOP }
    /// The descriptor does not block, and there is nothing to move yet.
    var isNotNow: Bool { number == EAGAIN || number == EWOULDBLOCK }
    /// The call is not for us or not for this file system, which is no fault of the medium.
    var isRefusal: Bool { [EACCES, EPERM, EINVAL, ENOTSUP, EOPNOTSUPP, ENOSYS, EBADF].contains(number) }

    /// The system's own words.
    package var message: String {
        var text = [CChar](repeating: 0, count: 256)
        guard unsafe strerror_r(number, &text, text.count) == 0 else { return "error \(number)" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
