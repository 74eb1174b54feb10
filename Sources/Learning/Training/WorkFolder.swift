import Diagnostics
import Files

/// `.OUT.tenon-partial` beside an output: what an interrupted run needs to go on.
struct WorkFolder {
    private let path: String

    /// Makes it, or with `resuming` takes the one that is there.
    ///
    /// Throws ``Failure/Code/notFound`` where there is none to go on from, and ``Failure/Code/outputExists`` where there is
    /// one and nobody wants to go on from it.
    init(beside output: String, resuming: Bool) throws(Failure) {
        let name = Paths.lastComponent(of: output)
        path = Paths.joined(Paths.parent(of: output), ".\(name).tenon-partial")
        let isThere = try Folder.kind(of: path) == .folder
        if resuming {
            guard isThere else {
                throw Failure(.notFound, "there is no interrupted run to go on from", path: path)
            }
        } else {
            if isThere { try Folder.remove(path) }
            try Folder.make(path)
        }
    }

    var statePath: String { Paths.joined(path, TrainingState.fileName) }

    func remove() {
        try? Folder.remove(path)
    }

    /// For a run that failed: what was saved before stays.
    func removeUnlessSaved() {
        if (try? Folder.kind(of: statePath)) == nil { remove() }
    }
}
