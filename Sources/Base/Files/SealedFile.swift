package import Diagnostics

/// Files that are written once and then only read.
package enum SealedFile {
    /// Takes the right to write from the file at `path` and waits until it is on the medium.
    package static func seal(_ path: String) throws(Failure) {
        try reporting(.output, "cannot write", path) { () throws(Errno) in
            try Syscalls.setMode(path, 0o444)
            let descriptor = try Syscalls.openForReading(path)
            defer { try? Syscalls.close(descriptor, path: path) }
            try Syscalls.flush(descriptor, path: path)
        }
    }

    /// Whether the files at `one` and `other` hold the same bytes.
    package static func holdSameBytes(_ one: String, _ other: String) throws(Failure) -> Bool {
        let (one, other) = (try InputFile(path: one), try InputFile(path: other))
        guard one.size == other.size else { return false }
        let step = 1 << 20
        for offset in stride(from: 0, to: one.size, by: step) {
            try Cancellation.check()
            let count = min(step, one.size - offset)
            guard try one.read(at: offset, count: count) == other.read(at: offset, count: count) else { return false }
        }
        return true
    }
}
