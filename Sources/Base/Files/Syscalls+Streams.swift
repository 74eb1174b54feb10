extension Syscalls {
    /// Writes all of `bytes` to an open descriptor, such as the lines that a command prints.
    package static func writeAll(
        _ bytes: [UInt8], to descriptor: Int32, path: String = "standard output"
    ) throws(Errno) {
        var done = 0
        while done < bytes.count {
            do throws(Errno) {
                let rest = unsafe bytes.span.bytes.extracting(droppingFirst: done)
                done += try unsafe rest.withUnsafeBytes { rest throws(Errno) in
                    try unsafe write(descriptor, rest, path: path)
                }
            } catch {
                guard error.isNotNow else { throw error }
                wait(descriptor, toWrite: true)
            }
        }
    }
}
