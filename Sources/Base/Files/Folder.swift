package import Diagnostics

/// What lies in a folder.
package enum Folder {
    package struct Entry: Hashable, Sendable {
        package let name: String
        /// After following symbolic links; ``FileKind/link`` for one that leads nowhere.
        package let kind: FileKind
        /// In bytes; 0 for all but files.
        package let size: Int

        package init(name: String, kind: FileKind, size: Int) {
            self.name = name
            self.kind = kind
            self.size = size
        }
    }

    /// The entries of the folder at `path`, hidden ones too, in the order of their names' bytes.
    ///
    /// Throws ``Failure/Code/badName`` for a name that is not UTF-8.
    package static func entries(of path: String) throws(Failure) -> [Entry] {
        var entries: [Entry] = []
        for name in try names(in: path) {
            let place = Paths.joined(path, name)
            let status: FileStatus
            do throws(Errno) {
                status = try Syscalls.status(place, followingLinks: true)
            } catch {
                guard error.isAbsent || error.isLoop else {
                    throw Failure(error, .input, "cannot look at the file", path: place)
                }
                entries.append(Entry(name: name, kind: .link, size: 0))
                continue
            }
            entries.append(Entry(name: name, kind: status.kind, size: status.kind == .file ? status.identity.size : 0))
        }
        return entries
    }

    /// What is at `path`, nil for nothing; after following symbolic links, unless told otherwise.
    package static func kind(of path: String, followingLinks: Bool = true) throws(Failure) -> FileKind? {
        do throws(Errno) {
            return try Syscalls.status(path, followingLinks: followingLinks).kind
        } catch {
            if error.isAbsent { return nil }
            throw Failure(error, .input, "cannot look at the file", path: path)
        }
    }

    /// The absolute path of what `path` names, without symbolic links.
    package static func resolved(_ path: String) throws(Failure) -> String {
        try reporting(.input, "cannot find the file", path) { () throws(Errno) in try Syscalls.resolve(path) }
    }

    static func names(in path: String) throws(Failure) -> [String] {
        var names: [String] = []
        let found = try reporting(.input, "cannot list the folder", path) { () throws(Errno) in
            try Syscalls.names(in: path)
        }
        for name in found {
            guard let name else {
                throw Failure(
                    .badName, "a file's name in the folder is not UTF-8", path: path, hint: "rename it, or move it away"
                )
            }
            names.append(name)
        }
        return names.sorted { $0.precedesInBytes($1) }
    }

    /// Makes a folder that was not there.
    package static func make(_ path: String) throws(Failure) {
        try reporting(.output, "cannot create the folder", path) { () throws(Errno) in try Syscalls.makeFolder(path) }
    }

    /// Waits until the folder's list of names is on the medium.
    package static func flush(_ path: String) throws(Failure) {
        try flushFolder(path, for: path)
    }

    /// Gives what is at `path` another name on the same file system; false where something has that name already.
    package static func move(_ path: String, to new: String) throws(Failure) -> Bool {
        do throws(Errno) {
            try Syscalls.renameExclusively(path, to: new)
            return true
        } catch {
            if error.isExists { return false }
            throw Failure(error, .output, "cannot put the file in its place", path: new)
        }
    }

    /// Removes `path` and all below it, following no links; what is not there counts as removed.
    package static func remove(_ path: String) throws(Failure) {
        do throws(Errno) {
            try removeTree(path)
        } catch {
            throw Failure(error, .output, "cannot remove it", path: path)
        }
    }

    private static func removeTree(_ path: String) throws(Errno) {
        do throws(Errno) {
            guard try Syscalls.status(path, followingLinks: false).kind == .folder else {
                return try Syscalls.unlink(path)
            }
            for case let name? in try Syscalls.names(in: path) {
                try removeTree(Paths.joined(path, name))
            }
            try Syscalls.removeFolder(path)
        } catch {
            if !error.isAbsent { throw error }
        }
    }
}
