#if FaultInjection
    import Diagnostics
    import Synchronization

    /// A log of the calls that change files, for tests that ask what a loss of power would have left.
    ///
    /// The variable `TENON_CALLS` names the file. Each call that succeeded is a line of words with tabs between them:
    ///
    ///     open PATH                  made where nothing was
    ///     write PATH OFFSET HEX
    ///     truncate PATH SIZE
    ///     fsync PATH                 of a file or a folder
    ///     rename OLD NEW
    ///     unlink PATH, mkdir PATH, rmdir PATH
    package enum CallLog {
        private static let path = Syscalls.environment("TENON_CALLS")
        private static let log = Mutex(path.flatMap { try? LogFile(at: $0) })

        package static var isActive: Bool { path != nil }

        /// Notes a call that was made, by this process or a library in it.
        package static func note(_ call: Call, _ place: String, _ words: [String] = []) {
            // The log's own calls are none of it.
            guard let path, place != path else { return }
            let line = ([call.rawValue, place] + words).joined(separator: "\t") + "\n"
            log.withLock { log in
                do throws(Failure) {
                    try log?.append(Array(line.utf8))
                } catch {
                    Syscalls.stop(saying: "tenon: error: TENON_CALLS: \(error)\n", error.code.status.rawValue)
                }
            }
        }

        /// Notes that `bytes` were written from `offset` on.
        package static func note(written bytes: UnsafeRawBufferPointer, at offset: Int, _ place: String) {
            guard isActive, place != path else { return }
            let digits = Array("0123456789abcdef".utf8)
            var text: [UInt8] = []
            text.reserveCapacity(2 * bytes.count)
            for index in bytes.indices {
                let byte = unsafe bytes[index]
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
            note(.write, place, ["\(offset)", String(decoding: text, as: UTF8.self)])
        }
    }
#endif

extension Syscalls {
    @inline(__always)
    static func record(_ call: Call, _ path: String, _ words: @autoclosure () -> [String] = []) {
        #if FaultInjection
            if CallLog.isActive { CallLog.note(call, path, words()) }
        #endif
    }

    @inline(__always)
    static func record(written buffer: UnsafeRawBufferPointer, _ count: Int, at offset: Int, _ path: String) {
        #if FaultInjection
            if CallLog.isActive {
                unsafe CallLog.note(written: UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: offset, path)
            }
        #endif
    }
}
