import CSystem
import Diagnostics

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A call of the kernel, as a fault plan names it.
package enum Call: String, CaseIterable {
    case open, close, read, pread, write, pwrite, stat, fstat, fsync, rename, unlink, mkdir, rmdir, readdir, mmap
    case truncate, reserve, flock, chmod
}

/// The only place that calls the kernel about files.
///
/// Calls that a signal cut short are made again, unless the user asked to stop; transfers move as much as the kernel
/// likes, and their callers loop. Under the trait `FaultInjection` a ``FaultPlan`` comes first.
package enum Syscalls {
    // MARK: Opening and closing

    static func openForReading(_ path: String, followingLinks: Bool = true) throws(Errno) -> Int32 {
        // Without O_NONBLOCK a named pipe would wait for a writer.
        try open(
            path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (followingLinks ? 0 : O_NOFOLLOW), mode: 0)
    }

    static func openFolder(_ path: String, followingLinks: Bool = true) throws(Errno) -> Int32 {
        try open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY | (followingLinks ? 0 : O_NOFOLLOW), mode: 0)
    }

    /// Makes a file that was not there, open for reading and writing, with the rights that the umask leaves of `mode`.
    static func createFile(_ path: String, mode: mode_t = 0o666) throws(Errno) -> Int32 {
        try open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode: mode)
    }

    /// Opens a file to write behind what it holds, and makes it where nothing is there.
    static func openForAppending(_ path: String) throws(Errno) -> Int32 {
        try open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode: 0o666)
    }

    private static func open(_ path: String, _ flags: Int32, mode: mode_t) throws(Errno) -> Int32 {
        try refuseNul(path)
        let descriptor = try attempt(.open, path) { _ in
            unsafe systemOpen(path, flags, mode)
        }
        if flags & O_CREAT != 0 { record(.open, path) }
        return descriptor
    }

    /// The descriptor is gone afterwards, even where this throws.
    static func close(_ descriptor: Int32, path: String) throws(Errno) {
        var error = systemClose(descriptor) == 0 ? nil : Errno.last
        do throws(Errno) {
            try visit(.close, path)
        } catch let fault {
            error = fault
        }
        // Never again after EINTR: the number may already be somebody else's.
        if let error, error.number != EINTR { throw error }
    }

    // MARK: Moving bytes

    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, path: String) throws(Errno) -> Int
    {
        try attempt(.read, path, count: buffer.count) { count in
            unsafe systemRead(descriptor, buffer.baseAddress, count)
        }
    }

    static func read(
        _ descriptor: Int32, at offset: Int, into buffer: UnsafeMutableRawBufferPointer, path: String
    ) throws(Errno) -> Int {
        try attempt(.pread, path, count: buffer.count) { count in
            unsafe pread(descriptor, buffer.baseAddress, count, off_t(offset))
        }
    }

    static func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer, path: String) throws(Errno) -> Int {
        let count = try attempt(.write, path, count: buffer.count) { count in
            unsafe systemWrite(descriptor, buffer.baseAddress, count)
        }
        if let end = position(descriptor) { unsafe record(written: buffer, count, at: end - count, path) }
        noteOutput(count, path)
        return count
    }

    static func write(
        _ descriptor: Int32, at offset: Int, _ buffer: UnsafeRawBufferPointer, path: String
    ) throws(Errno) -> Int {
        let count = try attempt(.pwrite, path, count: buffer.count) { count in
            unsafe pwrite(descriptor, buffer.baseAddress, count, off_t(offset))
        }
        unsafe record(written: buffer, count, at: offset, path)
        noteOutput(count, path)
        return count
    }

    /// Waits until `descriptor` can be read (or written), 200 ms at most, so that a caller can ask for cancellation.
    ///
    /// False where the time went by; an end or an error counts as something to read.
    @discardableResult
    static func wait(_ descriptor: Int32, toWrite: Bool) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(toWrite ? POLLOUT : POLLIN), revents: 0)
        return unsafe poll(&request, 1, 200) > 0
    }

    /// Lets `milliseconds` go by.
    static func sleep(milliseconds: Int32) { _ = poll(nil, 0, milliseconds) }

    /// - Parameters:
    ///   - path: What it is done for, which a fault plan goes by.
    ///   - place: What is flushed, where that is something else.
    static func flush(_ descriptor: Int32, path: String, place: String? = nil) throws(Errno) {
        _ = try attempt(.fsync, path) { _ in tenon_sync(descriptor) }
        record(.fsync, place ?? path)
    }

    static func truncate(_ descriptor: Int32, to byteCount: Int, path: String) throws(Errno) {
        _ = try attempt(.truncate, path) { _ in ftruncate(descriptor, off_t(byteCount)) }
        record(.truncate, path, ["\(byteCount)"])
    }

    static func reserve(_ descriptor: Int32, byteCount: Int, path: String) throws(Errno) {
        _ = try attempt(.reserve, path) { _ in tenon_reserve(descriptor, Int64(byteCount)) }
    }

    /// Takes the file or folder for this descriptor until it is closed, alone or with others that `shared` it; false where
    /// another has it, true also where the file system has no such locks.
    static func lock(_ descriptor: Int32, shared: Bool = false, path: String) throws(Errno) -> Bool {
        do throws(Errno) {
            _ = try attempt(.flock, path) { _ in systemLock(descriptor, shared ? LOCK_SH : LOCK_EX) }
            return true
        } catch {
            if error.isNotNow { return false }
            if error.isRefusal || error.number == ENOLCK { return true }
            throw error
        }
    }

    static func advise(_ descriptor: Int32, _ range: Range<Int>, _ kind: Int32) {
        tenon_advise(descriptor, Int64(range.lowerBound), Int64(range.count), kind)
    }

    /// A read-only view of whole pages, to be given back by `unmap`.
    static func map(
        _ descriptor: Int32, at offset: Int, count: Int, path: String
    ) throws(Errno) -> UnsafeMutableRawPointer {
        try visit(.mmap, path)
        let base = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, off_t(offset))
        guard let base = unsafe base, unsafe base != MAP_FAILED else { throw Errno.last }
        return unsafe base
    }

    static func unmap(_ base: UnsafeMutableRawPointer, count: Int) {
        unsafe munmap(base, count)
    }

    static var pageSize: Int { Int(sysconf(Int32(_SC_PAGESIZE))) }

    // MARK: Names

    static func rename(_ old: String, to new: String) throws(Errno) {
        _ = try attempt(.rename, new) { _ in unsafe systemRename(old, new) }
        record(.rename, old, [new])
    }

    /// Fails with EEXIST where `new` is there.
    static func renameExclusively(_ old: String, to new: String) throws(Errno) {
        _ = try attempt(.rename, new) { _ in unsafe tenon_rename_exclusive(old, new) }
        record(.rename, old, [new])
    }

    /// Fails with ENOTSUP where it cannot be done in one step.
    static func exchange(_ one: String, _ other: String) throws(Errno) {
        _ = try attempt(.rename, other) { _ in unsafe tenon_rename_exchange(one, other) }
    }

    static func unlink(_ path: String) throws(Errno) {
        _ = try attempt(.unlink, path) { _ in unsafe systemUnlink(path) }
        record(.unlink, path)
    }

    static func setMode(_ path: String, _ mode: mode_t) throws(Errno) {
        _ = try attempt(.chmod, path) { _ in unsafe chmod(path, mode) }
    }

    static func makeFolder(_ path: String, mode: mode_t = 0o777) throws(Errno) {
        try refuseNul(path)
        _ = try attempt(.mkdir, path) { _ in unsafe mkdir(path, mode) }
        record(.mkdir, path)
    }

    static func removeFolder(_ path: String) throws(Errno) {
        _ = try attempt(.rmdir, path) { _ in unsafe rmdir(path) }
        record(.rmdir, path)
    }

    /// The absolute path without symbolic links.
    static func resolve(_ path: String) throws(Errno) -> String {
        try refuseNul(path)
        guard let text = unsafe realpath(path, nil) else { throw Errno.last }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    // MARK: Questions

    static func status(_ path: String, followingLinks: Bool) throws(Errno) -> FileStatus {
        try refuseNul(path)
        var result = stat()
        _ = try attempt(.stat, path) { _ in
            unsafe followingLinks ? stat(path, &result) : lstat(path, &result)
        }
        return FileStatus(result)
    }

    static func status(of descriptor: Int32, path: String) throws(Errno) -> FileStatus {
        var result = stat()
        _ = try attempt(.fstat, path) { _ in unsafe fstat(descriptor, &result) }
        return FileStatus(result)
    }

    /// Where the next sequential transfer takes place, nil for what has no such place.
    static func position(_ descriptor: Int32) -> Int? {
        let place = lseek(descriptor, 0, SEEK_CUR)
        return place < 0 ? nil : Int(place)
    }

    static func duplicate(_ descriptor: Int32) throws(Errno) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw Errno.last }
        return copy
    }

    /// The names in a folder, in the system's order, without "." and ".."; nil for one that is not UTF-8.
    static func names(in path: String) throws(Errno) -> [String?] {
        try visit(.readdir, path)
        try refuseNul(path)
        guard let stream = unsafe opendir(path) else { throw Errno.last }
        defer { unsafe closedir(stream) }
        guard let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name) else { throw Errno(ENOTSUP) }
        var names: [String?] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            // By its address: the record may end before the field's declared length does.
            let text = unsafe UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self)
            let name = unsafe String(validatingCString: text)
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw Errno.last }
        return names
    }

    package static var processNumber: Int32 { getpid() }

    /// Ends the process as SIGKILL does: nothing is tidied up.
    static func die() -> Never {
        kill(getpid(), SIGKILL)
        // The signal comes before this thread goes on, or all but.
        while true { pause() }
    }

    #if FaultInjection
        /// Ends the process with a line on the standard error, past the fault plan, which may not be there yet.
        static func stop(saying line: String, _ status: Int32) -> Never {
            let bytes = Array(line.utf8)
            _ = unsafe bytes.withUnsafeBytes { unsafe systemWrite(2, $0.baseAddress, $0.count) }
            exit(status)
        }
    #endif

    /// Marks a folder as written by us, where the file system can.
    static func mark(_ path: String) { _ = unsafe tenon_mark(path) }

    static func isMarked(_ path: String) -> Bool { unsafe tenon_is_marked(path) == 1 }

    /// Whether `descriptor` is a terminal.
    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// How many columns the terminal at `descriptor` has, nil where it does not say.
    package static func terminalWidth(_ descriptor: Int32) -> Int? {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// The value of an environment variable, nil where it is not set.
    package static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Ends the process with `status`; what ``OutputFile`` still holds open is removed.
    package static func exit(_ status: Int32) -> Never {
        #if canImport(Darwin)
            Darwin.exit(status)
        #elseif canImport(Musl)
            Musl.exit(status)
        #else
            Glibc.exit(status)
        #endif
    }

    /// The most memory that this process has held, in bytes.
    package static var peakMemory: Int {
        var usage = rusage()
        // RUSAGE_SELF, whose type differs between systems.
        unsafe getrusage(0, &usage)
        #if canImport(Darwin)
            return usage.ru_maxrss
        #else
            return usage.ru_maxrss * 1024
        #endif
    }

    /// How much memory the machine has, in bytes.
    package static var physicalMemory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * pageSize }

    /// Nanoseconds on a clock that never goes back; only differences mean something.
    package static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Nanoseconds since 1970 on the clock that files are stamped with.
    package static func realTimeNanoseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return FileStatus.nanoseconds(time)
    }

    // MARK: The seam

    /// Makes a call, again as long as signals cut it short, with a fault first where the plan has one.
    @inline(__always)
    private static func attempt<Value: SignedInteger>(
        _ call: Call, _ path: String, count: Int = 0, _ body: (Int) -> Value
    ) throws(Errno) -> Value {
        while true {
            var error: Errno
            do throws(Errno) {
                let value = body(try visit(call, path, count: count))
                if value != -1 { return value }
                error = Errno.last
            } catch let fault {
                error = fault
            }
            guard error.number == EINTR, !Cancellation.isRequested else { throw error }
        }
    }

    /// How many of `count` bytes the call may move.
    @discardableResult @inline(__always)
    private static func visit(_ call: Call, _ path: String, count: Int = 0) throws(Errno) -> Int {
        // Darwin refuses more than 2 GiB at once, Linux moves less than asked.
        let count = min(count, 1 << 30)
        #if FaultInjection
            return try FaultPlan.visit(call, path, count: count)
        #else
            return count
        #endif
    }

    @inline(__always)
    private static func noteOutput(_ count: Int, _ path: String) {
        #if FaultInjection
            FaultPlan.noteOutput(count, path)
        #endif
    }

    /// A C string would end at the NUL and name another file.
    private static func refuseNul(_ path: String) throws(Errno) {
        if path.utf8.contains(0) { throw Errno(ENOENT) }
    }
}

// The C functions whose names the enum's own members hide.
private func systemOpen(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 {
    unsafe open(path, flags, mode)
}
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    unsafe read(descriptor, buffer, count)
}
private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, buffer, count)
}
private func systemRename(_ old: UnsafePointer<CChar>, _ new: UnsafePointer<CChar>) -> Int32 { unsafe rename(old, new) }
private func systemLock(_ descriptor: Int32, _ mode: Int32) -> Int32 { flock(descriptor, mode | LOCK_NB) }
private func systemUnlink(_ path: UnsafePointer<CChar>) -> Int32 { unsafe unlink(path) }
