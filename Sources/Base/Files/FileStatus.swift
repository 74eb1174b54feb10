/// What a name stands for.
package enum FileKind: Hashable, Sendable {
    case file, folder
    /// A symbolic link that was not followed, or leads nowhere.
    case link
    /// A device, a socket or a named pipe.
    case other
}

/// What tells whether a file is still the same one with the same content.
package struct FileIdentity: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    /// In bytes.
    package let size: Int
    /// When the content changed last, in nanoseconds since 1970.
    package let modified: Int64
    /// When content or attributes changed last, in nanoseconds since 1970.
    package let changed: Int64
}

/// What the kernel tells of a file.
struct FileStatus {
    let kind: FileKind
    let identity: FileIdentity
}
