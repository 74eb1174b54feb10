package import Diagnostics

/// The bytes of a file, wherever they lie: on a disk, or in pieces in another file.
package protocol FileContent: Sendable {
    /// What failures call it.
    var path: String { get }
    /// In bytes.
    var size: Int { get }
    /// What it was when it was opened; nil for what is no file of its own on a disk.
    var diskIdentity: FileIdentity? { get }

    /// Fills `target` with the bytes from `offset` on.
    ///
    /// Throws ``Failure/Code/truncated`` where there are fewer.
    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure)

    /// Throws ``Failure/Code/changedDuringRead`` where it is no longer what it was when it was opened.
    func checkUnchanged() throws(Failure)

    /// Tells the system what to expect; changes nothing but speed.
    func advise(_ advice: InputFile.Advice, _ range: Range<Int>)
}

extension FileContent {
    /// The `count` bytes from `offset` on; throws as ``read(at:into:)`` does, before it allocates.
    package func read(at offset: Int, count: Int) throws(Failure) -> [UInt8] {
        try checkRange(offset, count)
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var target = unsafe span.mutableBytes
        try read(at: offset, into: &target)
        return bytes
    }

    /// Throws ``Failure/Code/truncated`` for what is not within the file.
    package func checkRange(_ offset: Int, _ count: Int) throws(Failure) {
        guard offset >= 0, count >= 0 else {
            throw Failure(.internal, "a read of \(count) bytes at offset \(offset) was asked for", path: path)
        }
        let (end, overflow) = offset.addingReportingOverflow(count)
        if overflow || end > size {
            throw Failure(
                .truncated, "the file ends too early", offset: UInt64(offset), path: path,
                expected: "\(count) bytes from there", actual: "\(max(0, size - offset))")
        }
    }
}

/// The files of a folder, wherever they lie.
package protocol FolderContent: Sendable {
    /// What failures call it.
    var path: String { get }

    /// In the order of their names' bytes.
    func entries() throws(Failure) -> [Folder.Entry]

    /// The file of that name; throws ``Failure/Code/notFound`` where there is none.
    func file(named name: String) throws(Failure) -> any FileContent
}

/// A folder on a disk.
package struct DiskFolder: FolderContent {
    package let path: String

    package init(_ path: String) {
        self.path = path
    }

    package func entries() throws(Failure) -> [Folder.Entry] { try Folder.entries(of: path) }

    package func file(named name: String) throws(Failure) -> any FileContent {
        try InputFile(path: Paths.joined(path, name))
    }
}
