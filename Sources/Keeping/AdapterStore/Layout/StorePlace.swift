package import Diagnostics
import Files

/// Which store is meant, and how one begins.
package enum StorePlace {
    /// The folder that was asked for, else that of the variable `TENON_STORE`, else the one of the user's own.
    package static func resolve(_ asked: String?) throws(Failure) -> String {
        if let asked { return asked }
        if let path = Syscalls.environment("TENON_STORE"), !path.isEmpty { return path }
        if let data = Syscalls.environment("XDG_DATA_HOME"), data.hasPrefix("/") {
            return Paths.joined(data, "tenon/store")
        }
        guard let home = Syscalls.environment("HOME"), home.hasPrefix("/") else {
            throw Failure(.usage, "nothing says where the store is", hint: "--store DIR, or the variable TENON_STORE")
        }
        #if canImport(Darwin)
            return Paths.joined(home, "Library/Application Support/tenon/store")
        #else
            return Paths.joined(home, ".local/share/tenon/store")
        #endif
    }

    /// Makes an empty store in the folder at `path`, which must be empty or not there.
    ///
    /// Throws ``Failure/Code/outputExists`` where something else is, and ``Failure/Code/nestedStore`` within another store.
    package static func create(at path: String) throws(Failure) {
        try checkNotNested(path)
        try makeParents(of: path)
        let isThere = try Folder.kind(of: path) != nil
        let lock = try FolderLock.take(isThere ? try Folder.resolved(path) : path, for: path)
        try withExtendedLifetime(lock) { () throws(Failure) in
            let isLost = (try? StoreLayout.version(in: path)) == nil
            if isLost, try StoreLayout(path).isStoreWithoutFormat(), try !isEmptyBeginning(path) {
                throw Failure(
                    .outputExists, "a store is there already, whose file `format` is lost", path: path,
                    hint: "`tenon store repair` writes it anew")
            }
            guard try StoreLayout.version(in: path) == nil else {
                throw Failure(.outputExists, "a store is there already", path: path)
            }
            try clear(path)
            let layout = StoreLayout(path)
            for folder in layout.folders where try Folder.kind(of: folder) == nil { try Folder.make(folder) }
            try Catalog.create(at: layout.catalog)
            try write([], to: layout.reflog)
            try Folder.flush(Paths.joined(path, "objects"))
            // Last, so that what has this file is a whole store.
            try write(Array(StoreLayout.formatText.utf8), to: layout.format)
            try Folder.flush(Paths.parent(of: path))
        }
    }

    /// Removes what an earlier beginning left behind, which ended before there was a file `format`; refuses a folder in which
    /// there is anything else.
    private static func clear(_ path: String) throws(Failure) {
        let names = try Folder.entries(of: path).map(\.name)
        let leftovers = names.filter { name in
            ["catalog.db", "catalog.db-journal", "reflog"].contains(name)
                || [".reflog.tenon-", ".format.tenon-"].contains { name.hasPrefix($0) }
        }
        let ours = Set(leftovers).union(["objects", "tmp", "quarantine", "locks"])
        guard ours.isSuperset(of: names), try isEmptyBeginning(path) else {
            throw Failure(
                .outputExists, "the folder is not empty", path: path, hint: "name one that is empty or not there")
        }
        for name in leftovers { try Folder.remove(Paths.joined(path, name)) }
    }

    /// Whether no object is there that somebody might want to keep.
    private static func isEmptyBeginning(_ path: String) throws(Failure) -> Bool {
        let objects = StoreLayout(path).objects
        guard try Folder.kind(of: objects) != nil else { return true }
        return try Folder.entries(of: objects).isEmpty
    }

    private static func makeParents(of path: String) throws(Failure) {
        let parent = Paths.parent(of: path)
        guard try Folder.kind(of: parent) == nil else { return }
        try makeParents(of: parent)
        try Folder.make(parent)
        try Folder.flush(Paths.parent(of: parent))
    }

    /// Refuses a folder that lies within a store: its gc or repair could take one for the other.
    private static func checkNotNested(_ path: String) throws(Failure) {
        var folder = Paths.parent(of: path)
        while try Folder.kind(of: folder) == nil { folder = Paths.parent(of: folder) }
        folder = try Folder.resolved(folder)
        while true {
            if (try? StoreLayout.formatFile(in: folder)) != nil {
                throw Failure(.nestedStore, "the folder lies within another store", object: folder, path: path)
            }
            if folder == "/" { return }
            folder = Paths.parent(of: folder)
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        let file = try OutputFile.create(at: path, replacing: true)
        try unsafe file.write(bytes.span.bytes)
        try file.commit()
    }
}
