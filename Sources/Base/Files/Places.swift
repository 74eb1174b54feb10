import Diagnostics

/// What is at `path`, nil for nothing; for the place of an output.
func existing(_ path: String, followingLinks: Bool) throws(Failure) -> FileKind? {
    do throws(Errno) {
        return try Syscalls.status(path, followingLinks: followingLinks).kind
    } catch {
        if error.isAbsent { return nil }
        throw Failure(error, .output, "cannot look for the output's place", path: path)
    }
}

/// Flushes a folder's list of names, on behalf of the output at `path`.
func flushFolder(_ folder: String, for path: String) throws(Failure) {
    do throws(Errno) {
        let descriptor = try Syscalls.openFolder(folder)
        defer { try? Syscalls.close(descriptor, path: folder) }
        try Syscalls.flush(descriptor, path: path, place: folder)
    } catch {
        // A folder that may be written but not read, or a file system that cannot flush one: nothing more can be done.
        if error.isRefusal { return }
        throw Failure(error, .output, "cannot flush the output's folder", path: path)
    }
}
