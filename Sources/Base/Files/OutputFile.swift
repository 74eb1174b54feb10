package import Diagnostics
import CSystem
import Synchronization

/// How much a finished output is worth.
package enum Durability: Sendable {
    /// It is on the medium before it has its name.
    case fsync
    /// It may be lost if the machine fails within the next seconds.
    case none
}

/// A file being written under a name of its own beside its place, and put there whole by ``commit()`` or not at all.
///
/// Without a commit nothing remains: neither when it is released, nor on exit, nor on a second Ctrl-C. Once a write
/// failed, all that follow and the commit fail likewise.
package final class OutputFile: Sendable {
    private enum Destination {
        /// Renamed to `path`.
        case beside(path: String, replacing: Bool)
        /// A file of a folder that takes it along.
        case inFolder
        /// Somebody else's descriptor, in order only.
        case stream
        /// Nowhere: only counted.
        case nowhere
    }

    private struct State {
        /// Where the next sequential write goes.
        var position = 0
        var reserved = 0
        var isOpen = true
        var isCommitted = false
        var failure: Failure?
    }

    /// As the user named it.
    package let path: String
    private let workPath: String
    private let destination: Destination
    private let durability: Durability
    private let descriptor: Int32
    /// The slot that has the system remove the file in an emergency.
    private let cleanup: Int32
    private let state = Mutex(State())
    private let end = Atomic<Int>(0)

    private init(
        path: String, workPath: String, _ destination: Destination, _ durability: Durability, _ descriptor: Int32
    ) {
        self.path = path
        self.workPath = workPath
        self.destination = destination
        self.durability = durability
        self.descriptor = descriptor
        cleanup = if case .beside = destination { unsafe tenon_remember(workPath) } else { -1 }
    }

    deinit {
        let (isOpen, isCommitted) = state.withLock { ($0.isOpen, $0.isCommitted) }
        if descriptor < 0 { return }
        if case .stream = destination { return }
        if isOpen { try? Syscalls.close(descriptor, path: workPath) }
        if !isCommitted { try? Syscalls.unlink(workPath) }
        tenon_forget(cleanup)
    }

    // MARK: Beginning

    /// Begins a file that ``commit()`` will put at `path`.
    ///
    /// Throws ``Failure/Code/outputExists`` where something is there, unless `replacing`; a folder or a device is never
    /// replaced. A symbolic link is replaced itself, not what it leads to.
    package static func create(
        at path: String, replacing: Bool, durability: Durability = .fsync
    ) throws(Failure) -> OutputFile {
        try checkPlace(path, replacing: replacing)
        for _ in 0..<8 {
            let workPath = Paths.temporary(beside: path, process: Syscalls.processNumber)
            do throws(Errno) {
                let descriptor = try Syscalls.createFile(workPath)
                return OutputFile(
                    path: path, workPath: workPath, .beside(path: path, replacing: replacing), durability, descriptor)
            } catch {
                if error.isExists { continue }
                throw Failure(error, .output, "cannot create the file", path: path)
            }
        }
        throw Failure(.cannotCreate, "found no free name for a temporary file", path: path)
    }

    /// Begins a file of an unfinished folder, at its final name in there.
    static func create(inFolder workPath: String, path: String, durability: Durability) throws(Failure) -> OutputFile {
        let descriptor = try reporting(.output, "cannot create the file", path) { () throws(Errno) in
            try Syscalls.createFile(workPath)
        }
        return OutputFile(path: path, workPath: workPath, .inFolder, durability, descriptor)
    }

    /// The standard output, written in order; ``commit()`` leaves it open.
    package static func standardOutput() -> OutputFile {
        OutputFile(path: "standard output", workPath: "standard output", .stream, .none, 1)
    }

    /// An output that only counts what it would hold, for a dry run.
    package static func discarded() -> OutputFile {
        OutputFile(path: "nowhere", workPath: "nowhere", .nowhere, .none, -1)
    }

    static func checkPlace(_ path: String, replacing: Bool) throws(Failure) {
        let name = Paths.lastComponent(of: path)
        if name.isEmpty || name == "." || name == ".." || path.utf8.last == UInt8(ascii: "/") {
            throw Failure(.cannotCreate, "this names a folder, not a file", path: path)
        }
        guard let there = try existing(path, followingLinks: false) else { return }
        if there == .folder {
            throw Failure(.cannotCreate, "a folder is there", path: path, hint: "name a file in it, or another place")
        }
        guard replacing else {
            throw Failure(.outputExists, "the output is there already", path: path, hint: "--force replaces it")
        }
        let target = there == .link ? try existing(path, followingLinks: true) : there
        if target == .other || target == .folder {
            throw Failure(
                .cannotCreate, "neither a device nor a folder can be replaced", path: path,
                hint: "-o - writes to the standard output")
        }
    }

    // MARK: Writing

    /// Where the next sequential write goes, in bytes.
    package var position: Int { state.withLock { $0.position } }

    /// One more than the offset of the last byte written.
    package var byteCount: Int { end.load(ordering: .relaxed) }

    /// Appends `bytes` after what was written in order so far.
    package func write(_ bytes: RawSpan) throws(Failure) {
        try state.withLock { state throws(Failure) in
            try Self.check(state, path)
            do throws(Failure) {
                if descriptor >= 0 {
                    try unsafe bytes.withUnsafeBytes { buffer throws(Failure) in
                        try unsafe writeAll(buffer) { rest throws(Errno) in
                            try unsafe Syscalls.write(descriptor, rest, path: workPath)
                        }
                    }
                }
            } catch {
                state.failure = error
                throw error
            }
            state.position += bytes.byteCount
            noteEnd(state.position)
        }
    }

    /// Writes `bytes` from `offset` on; by any number of threads at once. Bytes never written are zero.
    package func write(_ bytes: RawSpan, at offset: Int) throws(Failure) {
        try state.withLock { state throws(Failure) in try Self.check(state, path) }
        if case .stream = destination {
            throw Failure(.internal, "a stream was to be written out of order", path: path)
        }
        let (newEnd, overflow) = offset.addingReportingOverflow(bytes.byteCount)
        guard offset >= 0, !overflow else {
            throw Failure(.internal, "a write at offset \(offset) was asked for", path: path)
        }
        do throws(Failure) {
            var place = offset
            try unsafe bytes.withUnsafeBytes { buffer throws(Failure) in
                try unsafe writeAll(buffer) { rest throws(Errno) in
                    let count = try unsafe Syscalls.write(descriptor, at: place, rest, path: workPath)
                    place += count
                    return count
                }
            }
        } catch {
            state.withLock { $0.failure = $0.failure ?? error }
            throw error
        }
        noteEnd(newEnd)
    }

    /// Makes sure of room for `byteCount` bytes in all, where the file system can; throws ``Failure/Code/noSpace``.
    package func reserve(byteCount: Int) throws(Failure) {
        try state.withLock { state throws(Failure) in
            try Self.check(state, path)
            if case .stream = destination { return }
            if case .nowhere = destination { return }
            guard byteCount > max(state.reserved, self.byteCount) else { return }
            do throws(Errno) {
                try Syscalls.reserve(descriptor, byteCount: byteCount, path: workPath)
                state.reserved = byteCount
            } catch {
                let failure = Failure(error, .output, "cannot reserve \(byteCount) bytes", path: path)
                guard failure.code == .noSpace else { return }
                state.failure = failure
                throw failure
            }
        }
    }

    private func writeAll(
        _ buffer: UnsafeRawBufferPointer, _ some: (UnsafeRawBufferPointer) throws(Errno) -> Int
    ) throws(Failure) {
        var done = 0
        while done < buffer.count {
            do throws(Errno) {
                let count = try unsafe some(UnsafeRawBufferPointer(rebasing: buffer[done...]))
                if count == 0 { throw Errno.inputOutput }
                done += count
            } catch {
                // Whoever shares our standard output may have made it non-blocking.
                guard error.isNotNow, case .stream = destination, !Cancellation.isRequested else {
                    throw Failure(error, .output, "cannot write", path: path)
                }
                Syscalls.wait(descriptor, toWrite: true)
            }
        }
    }

    private func noteEnd(_ newEnd: Int) {
        end.max(newEnd, ordering: .relaxed)
    }

    private static func check(_ state: State, _ path: String) throws(Failure) {
        if let failure = state.failure { throw failure }
        if !state.isOpen { throw Failure(.internal, "a finished output was written to", path: path) }
    }

    // MARK: Ending

    /// Puts the file in its place, on the medium if its durability asks for that.
    ///
    /// Where it throws, nothing is left behind, with one exception: where an older file was replaced and only the
    /// folder could not be flushed, the new one is there.
    package func commit() throws(Failure) {
        try state.withLock { state throws(Failure) in
            try Self.check(state, path)
            do throws(Failure) {
                try finish(&state)
            } catch {
                state.failure = error
                throw error
            }
            state.isCommitted = true
        }
    }

    package var isCommitted: Bool { state.withLock { $0.isCommitted } }

    private func finish(_ state: inout State) throws(Failure) {
        if case .stream = destination {
            state.isOpen = false
            return
        }
        try reporting(.output, "cannot write", path) { () throws(Errno) in
            if state.reserved > byteCount { try Syscalls.truncate(descriptor, to: byteCount, path: workPath) }
            // Once it has failed the pages may count as clean: a second try would succeed and mean nothing.
            if durability == .fsync { try Syscalls.flush(descriptor, path: workPath) }
        }
        state.isOpen = false
        try reporting(.output, "cannot write", path) { () throws(Errno) in
            try Syscalls.close(descriptor, path: workPath)
        }
        guard case .beside(let target, let replacing) = destination else { return }
        try reporting(.output, "cannot put the finished file in its place", path) { () throws(Errno) in
            if replacing {
                try Syscalls.rename(workPath, to: target)
            } else {
                try Syscalls.renameExclusively(workPath, to: target)
            }
        }
        if durability == .fsync {
            do throws(Failure) {
                try flushFolder(Paths.parent(of: target), for: path)
            } catch {
                if !replacing { try? Syscalls.unlink(target) }
                throw error
            }
        }
    }
}
