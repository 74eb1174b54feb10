package import Diagnostics

extension InputFile {
    /// Copies a stream, such as the standard input, into a nameless temporary file, so that it can be read anywhere.
    ///
    /// A descriptor that is a regular file at its start is read where it lies. `descriptor` stays open.
    ///
    /// - Parameters:
    ///   - name: what to call it in messages.
    ///   - folder: where the temporary file lies; TMPDIR or /tmp unless given.
    ///   - limit: in bytes; a longer stream throws ``Failure/Code/tooLarge``.
    package static func spooled(
        descriptor: Int32 = 0, named name: String = "standard input", folder: String? = nil, limit: Int = .max
    ) throws(Failure) -> InputFile {
        if let file = try regular(descriptor, name, limit: limit) { return file }
        let folder = folder ?? Syscalls.environment("TMPDIR") ?? "/tmp"
        let path = Paths.temporary(beside: Paths.joined(folder, "input"), process: Syscalls.processNumber)
        let copy = try reporting(.output, "cannot create a temporary file", path) { () throws(Errno) in
            let copy = try Syscalls.createFile(path, mode: 0o600)
            do throws(Errno) {
                try Syscalls.unlink(path)
            } catch {
                try? Syscalls.close(copy, path: path)
                throw error
            }
            return copy
        }
        do throws(Failure) {
            try fill(copy, at: path, from: descriptor, name, limit: limit)
        } catch {
            try? Syscalls.close(copy, path: path)
            throw error
        }
        return try InputFile(adopting: copy, path: name)
    }

    private static func regular(_ descriptor: Int32, _ name: String, limit: Int) throws(Failure) -> InputFile? {
        let copy = try reporting(.input, "cannot read", name) { () throws(Errno) -> Int32? in
            guard try Syscalls.status(of: descriptor, path: name).kind == .file,
                Syscalls.position(descriptor) == 0
            else { return nil }
            return try Syscalls.duplicate(descriptor)
        }
        guard let copy else { return nil }
        let file = try InputFile(adopting: copy, path: name)
        if file.size > limit { throw tooLong(name, limit) }
        return file
    }

    private static func fill(
        _ copy: Int32, at path: String, from descriptor: Int32, _ name: String, limit: Int
    ) throws(Failure) {
        var block = [UInt8](repeating: 0, count: 1 << 17)
        var total = 0
        while true {
            try Cancellation.check()
            let count = try read(descriptor, into: &block, name)
            if count == 0 { return }
            total += count
            if total > limit { throw tooLong(name, limit) }
            try unsafe write(block.span.bytes.extracting(first: count), to: copy, path)
        }
    }

    /// How many bytes came, 0 at the end; waits in steps so that a signal to another thread is seen too.
    private static func read(_ descriptor: Int32, into block: inout [UInt8], _ name: String) throws(Failure) -> Int {
        var span = block.mutableSpan
        var target = unsafe span.mutableBytes
        while true {
            try Cancellation.check()
            guard Syscalls.wait(descriptor, toWrite: false) else { continue }
            do throws(Errno) {
                return try unsafe target.withUnsafeMutableBytes { buffer throws(Errno) in
                    try unsafe Syscalls.read(descriptor, into: buffer, path: name)
                }
            } catch {
                if !error.isNotNow { throw Failure(error, .input, "cannot read", path: name) }
            }
        }
    }

    private static func write(_ bytes: RawSpan, to copy: Int32, _ path: String) throws(Failure) {
        var done = 0
        while done < bytes.byteCount {
            let rest = bytes.extracting(droppingFirst: done)
            done += try reporting(.output, "cannot write a temporary file", path) { () throws(Errno) in
                try unsafe rest.withUnsafeBytes { buffer throws(Errno) in
                    try unsafe Syscalls.write(copy, buffer, path: path)
                }
            }
        }
    }

    private static func tooLong(_ name: String, _ limit: Int) -> Failure {
        Failure(.tooLarge, "the input is too long", path: name, expected: "at most \(limit) bytes")
    }
}
