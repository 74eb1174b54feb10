package import Diagnostics
import CSystem
import Synchronization

/// A folder being filled under a name of its own beside its place, and put there whole by ``commit()`` or not at all; or
/// only its one file.
package final class OutputFolder: Sendable {
    private struct State {
        var files: [OutputFile] = []
        var subfolders: [String] = []
        var cleanup: [Int32] = []
        var isFinished = false
        var isCommitted = false
    }

    /// As the user named it, without slashes at its end.
    package let path: String
    private let workPath: String
    private let replacing: Bool
    /// Whether its only file is put in its place, without the folder.
    private let isFile: Bool
    private let durability: Durability
    /// What is kept of it when it is interrupted; nil for nothing.
    private let partial: PartialWork?
    private let state: Mutex<State>

    private init(
        path: String, workPath: String, replacing: Bool, isFile: Bool, durability: Durability,
        partial: PartialWork? = nil
    ) {
        self.path = path
        self.workPath = workPath
        self.replacing = replacing
        self.isFile = isFile
        self.durability = durability
        self.partial = partial
        var state = State()
        if partial == nil { state.cleanup.append(unsafe tenon_remember(workPath)) }
        self.state = Mutex(state)
    }

    deinit {
        let state = state.withLock { $0 }
        let isKept = partial != nil && Cancellation.isRequested
        if !state.isCommitted && !isKept { try? Folder.remove(workPath) }
        state.cleanup.forEach(tenon_forget)
    }

    // MARK: Beginning

    /// Begins a folder that ``commit()`` will put at `path`.
    ///
    /// Throws ``Failure/Code/outputExists`` where something is there. With `replacing`, an empty folder and one that was
    /// made by this type are replaced, and nothing else.
    ///
    /// - Parameter isFile: Put its one file at `path`, and no folder.
    package static func create(
        at path: String, replacing: Bool, isFile: Bool = false, durability: Durability = .fsync
    ) throws(Failure) -> OutputFolder {
        let place = Paths.withoutTrailingSlashes(path)
        let name = Paths.lastComponent(of: place)
        if name.isEmpty || name == "." || name == ".." {
            throw Failure(.cannotCreate, "this names no new folder", path: path)
        }
        try checkPlace(place, replacing: replacing, isFile: isFile)
        let workPath = Paths.temporary(beside: place, process: Syscalls.processNumber)
        try reporting(.output, "cannot create the folder", place) { () throws(Errno) in
            try Syscalls.makeFolder(workPath)
        }
        return OutputFolder(
            path: place, workPath: workPath, replacing: replacing, isFile: isFile, durability: durability)
    }

    /// Begins a folder whose finished files are kept where it is interrupted or killed, in `.NAME.tenon-partial`.
    ///
    /// Throws ``Failure/Code/busy`` where another process fills it, and ``Failure/Code/outputExists`` where what is to be
    /// resumed was made of other inputs.
    ///
    /// - Parameters:
    ///   - key: What the content depends on.
    ///   - resuming: Go on with what is there; else begin anew.
    ///   - isFile: Put its one file at `path`, and no folder.
    package static func createResumable(
        at path: String, replacing: Bool, isFile: Bool = false, key: String, resuming: Bool,
        durability: Durability = .fsync
    ) throws(Failure) -> OutputFolder {
        let place = Paths.withoutTrailingSlashes(path)
        let name = Paths.lastComponent(of: place)
        if name.isEmpty || name == "." || name == ".." {
            throw Failure(.cannotCreate, "this names no new folder", path: path)
        }
        try checkPlace(place, replacing: replacing, isFile: isFile)
        let workPath = Paths.joined(Paths.parent(of: place), ".\(name).tenon-partial")
        let partial = try PartialWork(at: workPath, for: place, key: key, resuming: resuming)
        let folder = OutputFolder(
            path: place, workPath: workPath, replacing: replacing, isFile: isFile, durability: durability,
            partial: partial)
        // Again, now that nobody else can put it there.
        try checkPlace(place, replacing: replacing, isFile: isFile)
        return folder
    }

    /// Throws ``Failure/Code/outputExists`` where an interrupted run left work for this place that could be resumed.
    package static func checkNoneInterrupted(at path: String) throws(Failure) {
        try WorkFolder.checkNone(beside: path, state: PartialWork.journalName)
    }

    /// How many files an earlier run finished.
    package var finishedCount: Int { partial?.finished.count ?? 0 }

    /// What an earlier run noted of a file that it finished; nil for one that it did not.
    package func finishedDigest(of name: String) -> String? { partial?.digest(of: name) }

    /// Removes a finished file that is not what was noted of it.
    package func discardFinished(_ name: String) throws(Failure) { try partial?.discard(name) }

    /// Notes that a file is whole, so that a later run need not make it again; the file must be committed.
    ///
    /// - Parameter digest: Of what was written, one word: by this a later run tells whether the file is still that.
    package func noteFinished(_ name: String, digest: String) throws(Failure) {
        try partial?.note(name, digest: digest)
    }

    /// A file that an earlier run finished, to be looked at.
    package func finishedFile(_ name: String) throws(Failure) -> InputFile {
        try InputFile(path: Paths.joined(workPath, name))
    }

    private static func checkPlace(_ path: String, replacing: Bool, isFile: Bool) throws(Failure) {
        if isFile { return try OutputFile.checkPlace(path, replacing: replacing) }
        guard let there = try existing(path, followingLinks: false) else { return }
        guard there == .folder else {
            throw Failure(
                .outputExists, "something that is no folder is there already", path: path, hint: "name another place")
        }
        guard replacing else {
            throw Failure(.outputExists, "the output is there already", path: path, hint: "--force replaces it")
        }
        let names: [String?]
        do throws(Errno) {
            names = try Syscalls.names(in: path)
        } catch {
            throw Failure(error, .output, "cannot look into the folder to be replaced", path: path)
        }
        guard names.isEmpty || Syscalls.isMarked(path) else {
            throw Failure(
                .outputExists, "a folder that tenon did not write is there", path: path,
                hint: "remove it yourself, or name another place")
        }
    }

    // MARK: Filling

    /// Begins the file `name` in this folder; commit it before the folder. `name` may lead through new subfolders.
    package func file(named name: String) throws(Failure) -> OutputFile {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = !name.utf8.contains(0) && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
        guard isPlain else {
            throw Failure(.badName, "not a name for a file in the output", object: name, path: path)
        }
        return try begin(name, subfolders: parts.dropLast())
    }

    private func begin(_ name: String, subfolders: ArraySlice<Substring>) throws(Failure) -> OutputFile {
        try state.withLock { state throws(Failure) in
            if state.isFinished { throw Failure(.internal, "a finished output was written to", path: path) }
            var subfolder = ""
            for part in subfolders {
                subfolder = Paths.joined(subfolder, String(part))
                if state.subfolders.contains(subfolder) { continue }
                let place = Paths.joined(workPath, subfolder)
                try reporting(.output, "cannot create the folder", Paths.joined(path, subfolder)) { () throws(Errno) in
                    try Syscalls.makeFolder(place)
                }
                state.subfolders.append(subfolder)
                state.cleanup.append(unsafe tenon_remember(place))
            }
            let place = Paths.joined(workPath, name)
            let file = try OutputFile.create(
                inFolder: place, path: Paths.joined(path, name), durability: durability)
            state.files.append(file)
            state.cleanup.append(unsafe tenon_remember(place))
            return file
        }
    }

    // MARK: Ending

    /// Moves the older folder that this one replaces out of the way, nil where there is none.
    package func setOldAside() throws(Failure) -> SetAside? {
        try Self.checkPlace(path, replacing: replacing, isFile: isFile)
        return try SetAside(path)
    }

    /// Puts the folder in its place; all its files must be committed.
    ///
    /// Where it throws, nothing of the new folder is left behind and an older one is as it was, with one exception:
    /// where an older folder was replaced and only the folder above could not be flushed, the new one is there.
    package func commit() throws(Failure) {
        try state.withLock { state throws(Failure) in
            if state.isFinished { throw Failure(.internal, "a finished output was committed again", path: path) }
            state.isFinished = true
            if let open = state.files.first(where: { !$0.isCommitted }) {
                throw Failure(.internal, "a file of the output was not finished", path: open.path)
            }
            try partial?.end()
            // What tells a folder we wrote, and may replace, from all others. Where the file system keeps no such marks,
            // the folder is as good, and only has to be removed by hand.
            Syscalls.mark(workPath)
            if durability == .fsync {
                for subfolder in state.subfolders { try flushFolder(Paths.joined(workPath, subfolder), for: path) }
                try flushFolder(workPath, for: path)
            }
            if isFile { try putFileInPlace() } else { try putInPlace() }
            state.isCommitted = true
            partial?.letGo()
        }
    }

    private func putFileInPlace() throws(Failure) {
        let names = try Folder.names(in: workPath)
        guard names.count == 1 else { throw Failure(.internal, "an output of one file has \(names.count)", path: path) }
        let file = Paths.joined(workPath, names[0])
        let isNew = try existing(path, followingLinks: false) == nil
        try reporting(.output, "cannot put the finished file in its place", path) { () throws(Errno) in
            if replacing { try Syscalls.rename(file, to: path) } else { try Syscalls.renameExclusively(file, to: path) }
        }
        do throws(Failure) {
            if durability == .fsync { try flushFolder(Paths.parent(of: path), for: path) }
        } catch {
            if isNew { try? Syscalls.unlink(path) }
            throw error
        }
        try Folder.remove(workPath)
    }

    private func putInPlace() throws(Failure) {
        var replaced: String?
        var old: FolderLock?
        defer { withExtendedLifetime(old) {} }
        do throws(Errno) {
            try Syscalls.renameExclusively(workPath, to: path)
        } catch {
            guard error.isExists, replacing else {
                throw Failure(error, .output, "cannot put the finished folder in its place", path: path)
            }
            // Looked at again: somebody may have put another folder there in the meantime.
            try Self.checkPlace(path, replacing: true, isFile: false)
            // The old folder will bear the name that others would fill, until it is removed.
            if partial != nil { old = try FolderLock.take(path, for: path) }
            replaced = try reporting(.output, "cannot replace the folder", path) { () throws(Errno) in
                try replaceOld()
            }
        }
        do throws(Failure) {
            if durability == .fsync { try flushFolder(Paths.parent(of: path), for: path) }
        } catch {
            if replaced == nil { try? Folder.remove(path) }
            // The old folder cannot be had back for sure; the new one is complete.
            if let replaced { try? Folder.remove(replaced) }
            throw error
        }
        if let replaced { try Folder.remove(replaced) }
    }

    /// Swaps old and new and gives the old one's place.
    private func replaceOld() throws(Errno) -> String {
        do throws(Errno) {
            try Syscalls.exchange(workPath, path)
            return workPath
        } catch {
            guard error == .unsupported else { throw error }
        }
        let old = Paths.temporary(beside: path, process: Syscalls.processNumber)
        try Syscalls.renameExclusively(path, to: old)
        do throws(Errno) {
            try Syscalls.renameExclusively(workPath, to: path)
        } catch {
            try? Syscalls.rename(old, to: path)
            throw error
        }
        return old
    }
}
