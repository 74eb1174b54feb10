import Diagnostics
package import Digests
import Files

/// Remembers the digests of the tensors of files that were read before, so that an unchanged base is not read again.
///
/// One small file an entry, named after what tells the shard from all others: device, inode, size, and when content and
/// attributes changed. An entry that was made within two seconds of such a change is neither written nor believed: a
/// second change could bear the same time. What cannot be read, is damaged or does not fit counts as not there.
package struct FingerprintCache: Sendable {
    /// How many entries are kept; beyond that the oldest go.
    package static let maximumCount = 4096
    /// How long a file must have been at rest, in nanoseconds.
    package static let usualRest: Int64 = 2_000_000_000
    private static let magic = Array("TNNFPRT1".utf8)

    package let folder: String
    private let rest: Int64

    /// A cache in `folder`, which is made when there is something to keep.
    package init(folder: String, rest: Int64 = usualRest) {
        self.folder = folder
        self.rest = rest
    }

    /// The user's own: `tenon/fingerprints` in the system's place for caches. Nil where there is none, and with
    /// `TENON_CACHE=off`.
    package static func standard() -> FingerprintCache? {
        if Syscalls.environment("TENON_CACHE") == "off" { return nil }
        if let caches = Syscalls.environment("XDG_CACHE_HOME"), caches.hasPrefix("/") {
            return FingerprintCache(folder: Paths.joined(caches, "tenon/fingerprints"))
        }
        guard let home = Syscalls.environment("HOME"), home.hasPrefix("/") else { return nil }
        #if canImport(Darwin)
            return FingerprintCache(folder: Paths.joined(home, "Library/Caches/tenon/fingerprints"))
        #else
            return FingerprintCache(folder: Paths.joined(home, ".cache/tenon/fingerprints"))
        #endif
    }

    // MARK: Asking

    /// The digests of all tensors of `file`, in the order of its header; nil where they are not known for sure.
    package func digests(of file: SafetensorsFile) -> [Digest]? {
        let count = file.tensors.count
        guard let identity = file.file.diskIdentity, let entry = try? InputFile(path: path(of: identity)),
            let bytes = try? entry.read(at: 0, count: entry.size)
        else { return nil }
        let key = Self.key(of: file, identity)
        let end = bytes.count - 8
        guard bytes.count == key.count + 8 + 32 * count + 8, bytes.starts(with: key),
            Self.integer(bytes[end...]) == XXH3.hash(Array(bytes[..<end]))
        else { return nil }
        let written = Int64(bitPattern: Self.integer(bytes[key.count..<key.count + 8]))
        guard isAtRest(identity, at: written) else { return nil }
        return (0..<count).map { number in
            let start = key.count + 8 + 32 * number
            return Digest(Array(bytes[start..<start + 32]))
        }
    }

    // MARK: Keeping

    /// Keeps the digests of all tensors of `file`, which must be as it was when it was opened. That it cannot is no error.
    package func keep(_ digests: [Digest], of file: SafetensorsFile) {
        let now = Syscalls.realTimeNanoseconds()
        guard digests.count == file.tensors.count, let identity = file.file.diskIdentity, isAtRest(identity, at: now)
        else { return }
        var bytes = Self.key(of: file, identity) + Self.bytes(UInt64(bitPattern: now))
        for digest in digests { bytes += digest.bytes }
        bytes += Self.bytes(XXH3.hash(bytes))
        do throws(Failure) {
            try makeFolder(folder)
            let entry = try OutputFile.create(at: path(of: identity), replacing: true, durability: .none)
            try unsafe entry.write(bytes.span.bytes)
            try entry.commit()
            try forgetOldest()
        } catch {
            return
        }
    }

    private func makeFolder(_ path: String) throws(Failure) {
        if try Folder.kind(of: path) != nil { return }
        try makeFolder(Paths.parent(of: path))
        // Another run may be making it as well.
        try? Folder.make(path)
    }

    /// Removes a good part of the entries where there are too many, so that this is seldom done.
    private func forgetOldest() throws(Failure) {
        let names = try Folder.entries(of: folder).filter { $0.kind == .file && !$0.name.hasPrefix(".") }.map(\.name)
        guard names.count > Self.maximumCount else { return }
        let entries = names.compactMap { name in
            (try? InputFile(path: Paths.joined(folder, name))).map { (name: name, modified: $0.identity.modified) }
        }
        let excess = names.count - Self.maximumCount * 7 / 8
        for entry in entries.sorted(by: { $0.modified < $1.modified }).prefix(excess) {
            try? Folder.remove(Paths.joined(folder, entry.name))
        }
    }

    // MARK: The entry

    private func isAtRest(_ identity: FileIdentity, at time: Int64) -> Bool {
        let (since, overflow) = time.subtractingReportingOverflow(max(identity.modified, identity.changed))
        return !overflow && since >= rest
    }

    private func path(of identity: FileIdentity) -> String {
        Paths.joined(folder, "\(SHA256.hash(Self.bytes(of: identity)))")
    }

    /// What an entry begins with: magic, the file's identity, the digest of its header.
    private static func key(of file: SafetensorsFile, _ identity: FileIdentity) -> [UInt8] {
        magic + bytes(of: identity) + SHA256.hash(file.header.bytes).bytes
    }

    private static func bytes(of identity: FileIdentity) -> [UInt8] {
        [
            identity.device, identity.inode, UInt64(identity.size), UInt64(bitPattern: identity.modified),
            UInt64(bitPattern: identity.changed),
        ].flatMap(bytes)
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
