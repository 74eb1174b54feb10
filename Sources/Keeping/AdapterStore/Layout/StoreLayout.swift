import Diagnostics
package import Digests
import Files

/// Where everything of a store lies: `Spec/store.md`, "Layout".
package struct StoreLayout: Sendable {
    package let root: String

    package init(_ root: String) {
        self.root = root
    }

    var format: String { Paths.joined(root, "format") }
    var catalog: String { Paths.joined(root, "catalog.db") }
    var reflog: String { Paths.joined(root, "reflog") }
    var staging: String { Paths.joined(root, "tmp") }
    var quarantine: String { Paths.joined(root, "quarantine") }
    var collectorLock: String { Paths.joined(root, "locks/gc") }
    var reflogLock: String { Paths.joined(root, "locks/reflog") }
    var objects: String { Paths.joined(root, "objects/sha256") }

    /// All folders of a store, each after the one that it lies in.
    var folders: [String] {
        ["objects", "objects/sha256", "tmp", "quarantine", "locks"].map { Paths.joined(root, $0) }
    }

    /// The file of an object.
    package func object(_ digest: Digest) -> String {
        Paths.joined(folder(of: digest), digest.description)
    }

    /// The folder that an object's file lies in.
    func folder(of digest: Digest) -> String {
        Paths.joined(objects, String(digest.description.prefix(2)))
    }

    /// Moves something out of the way, for somebody to look at.
    func quarantine(_ path: String, as name: String) throws(Failure) {
        for number in 0..<10_000 {
            let target = Paths.joined(quarantine, number == 0 ? name : "\(name).\(number)")
            if try Folder.move(path, to: target) { return }
        }
        throw Failure(.cannotCreate, "the quarantine is full", path: quarantine, hint: "look through it and empty it")
    }

    // MARK: The format file

    /// What the file `format` of a store begins with; the version of the layout follows.
    private static let name = "tenon-store "
    static let version = 1

    static var formatText: String { "\(name)\(version)\n" }

    /// The version that the file `format` in `root` states, nil where there is no store.
    ///
    /// Throws ``Failure/Code/notAStore`` where that file is something else.
    static func version(in root: String) throws(Failure) -> Int? {
        let path = StoreLayout(root).format
        guard try Folder.kind(of: root) == .folder, try Folder.kind(of: path) == .file else { return nil }
        let file = try InputFile(path: path)
        let text = String(decoding: try file.read(at: 0, count: min(file.size, 64)), as: UTF8.self)
        guard text.hasPrefix(name), let end = text.firstIndex(of: "\n"),
            let version = Int(text[text.index(text.startIndex, offsetBy: name.count)..<end]), version > 0
        else {
            throw Failure(.notAStore, "the file is not the one that a store of tenon's has", path: path)
        }
        return version
    }

    /// What has become of the file `format` of a store.
    enum FormatFile {
        case whole, missing, damaged
    }

    /// Throws ``Failure/Code/notAStore`` where nothing says that `root` is a store, ``Failure/Code/storeTooNew`` where a newer
    /// version made it.
    static func formatFile(in root: String) throws(Failure) -> FormatFile {
        let found: Int?
        do throws(Failure) {
            found = try version(in: root)
        } catch {
            guard error.code == .notAStore, try StoreLayout(root).isStoreWithoutFormat() else { throw error }
            return .damaged
        }
        guard let found else {
            if try StoreLayout(root).isStoreWithoutFormat() { return .missing }
            throw Failure(
                .notAStore, "there is no store", path: root,
                hint: "make one with `tenon store init`, or name one with --store DIR or TENON_STORE")
        }
        guard found <= version else {
            throw Failure(
                .storeTooNew, "the store was made by a newer version", path: root,
                expected: "layout \(version)", actual: "\(found)", hint: "use that version of tenon")
        }
        return .whole
    }

    /// Whether the folder is a store but for the file `format`: it has a store's folders, and a catalog or a reflog that nothing
    /// else has.
    func isStoreWithoutFormat() throws(Failure) -> Bool {
        for folder in folders where try Folder.kind(of: folder) != .folder { return false }
        if try Catalog.isOne(at: catalog) { return true }
        return try Reflog.isOne(at: reflog)
    }
}
