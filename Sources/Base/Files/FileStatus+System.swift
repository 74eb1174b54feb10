#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension FileStatus {
    init(_ result: stat) {
        switch result.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .link
        default: kind = .other
        }
        #if canImport(Darwin)
            let (modified, changed) = (result.st_mtimespec, result.st_ctimespec)
        #else
            let (modified, changed) = (result.st_mtim, result.st_ctim)
        #endif
        identity = FileIdentity(
            device: UInt64(truncatingIfNeeded: result.st_dev), inode: UInt64(result.st_ino), size: Int(result.st_size),
            modified: Self.nanoseconds(modified), changed: Self.nanoseconds(changed))
    }

    static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
