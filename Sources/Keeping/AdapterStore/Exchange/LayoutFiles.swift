package import Diagnostics
package import Files

/// The files of an image layout, in a folder or in a tar.
package protocol LayoutFiles: Sendable {
    /// The layout, for messages.
    var path: String { get }

    /// The file of that name, which leads through folders of the layout.
    ///
    /// Throws ``Failure/Code/importRejected`` where it is missing or no plain file.
    func file(named name: String) throws(Failure) -> any FileContent
}

extension LayoutFiles {
    func missing(_ name: String) -> Failure {
        name == ImageLayout.marker || name == ImageLayout.index
            ? .importRejected(
                "this is no OCI image layout", path: path, object: name, expected: "the file \(name)",
                hint: "name a folder or a tar that `tenon store export` or skopeo wrote")
            : .importRejected("the layout lacks a blob", path: path, object: name)
    }
}

/// A layout in a folder. Nothing in it is reached through a symbolic link.
struct FolderLayout: LayoutFiles {
    let path: String

    func file(named name: String) throws(Failure) -> any FileContent {
        var place = path
        let parts = name.split(separator: "/").map(String.init)
        for part in parts.dropLast() {
            place = Paths.joined(place, part)
            guard let kind = try kind(of: place) else { throw missing(name) }
            guard kind == .folder else { throw refused(kind, place) }
        }
        place = Paths.joined(path, name)
        guard let kind = try kind(of: place) else { throw missing(name) }
        guard kind == .file else { throw refused(kind, place) }
        do throws(Failure) {
            return try InputFile(path: place, followingLinks: false)
        } catch {
            throw error.rejecting("a file of the layout changed meanwhile", path: path, object: name)
        }
    }

    private func kind(of place: String) throws(Failure) -> FileKind? {
        try Folder.kind(of: place, followingLinks: false)
    }

    private func refused(_ kind: FileKind, _ place: String) -> Failure {
        let found =
            switch kind {
            case .file: "a file"
            case .folder: "a folder"
            case .link: "a symbolic link"
            case .other: "a device, a socket or a named pipe"
            }
        return .importRejected("the layout holds something that has no place in it", path: place, actual: found)
    }
}

/// A layout in a tar, read where it lies.
struct TarLayout: LayoutFiles {
    let path: String
    private let file: InputFile
    private let entries: [String: TarEntry]

    /// Looks through the whole tar; throws ``Failure/Code/importRejected`` for anything in it but plain files and folders.
    init(_ file: InputFile) throws(Failure) {
        path = file.path
        self.file = file
        var entries: [String: TarEntry] = [:]
        for entry in try TarReader.entries(of: file) { entries[entry.name] = entry }
        self.entries = entries
    }

    func file(named name: String) throws(Failure) -> any FileContent {
        guard let entry = entries[name] else { throw missing(name) }
        return FilePart(of: file, entry)
    }
}

/// A file that lies within another.
struct FilePart: FileContent {
    let path: String
    let size: Int
    private let file: InputFile
    private let start: Int

    var diskIdentity: FileIdentity? { nil }

    init(of file: InputFile, _ entry: TarEntry) {
        self.file = file
        path = Paths.joined(file.path, entry.name)
        start = entry.offset
        size = entry.size
    }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try checkRange(offset, target.byteCount)
        try file.read(at: start + offset, into: &target)
    }

    func checkUnchanged() throws(Failure) { try file.checkUnchanged() }

    func advise(_ advice: InputFile.Advice, _ range: Range<Int>) {
        file.advise(advice, start + range.lowerBound..<start + range.upperBound)
    }
}

/// Finds out what a path to import leads to.
enum LayoutPlace {
    static func files(at path: String) throws(Failure) -> any LayoutFiles {
        switch try Folder.kind(of: path) {
        case nil: throw Failure(.notFound, "there is no layout", path: path)
        case .folder: return FolderLayout(path: path)
        default: return try TarLayout(InputFile(path: path))
        }
    }
}
