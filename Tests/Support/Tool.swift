import Files
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How a run of the built tool ended.
package struct ToolRun: Sendable {
    /// The exit status; meaningless where a signal ended it.
    package let status: Int32
    /// The signal that ended it, nil where it exited.
    package let signal: Int32?
    package let standardOutput: [UInt8]
    package let standardError: [UInt8]
    /// The most it held in memory, in bytes.
    package let peakMemory: Int
    /// Whether it was killed for running too long.
    package let timedOut: Bool

    package var output: String { String(decoding: standardOutput, as: UTF8.self) }
    package var errors: String { String(decoding: standardError, as: UTF8.self) }
}

package struct ToolError: Error, CustomStringConvertible {
    package let description: String
}

/// The built `tenon`, which lies beside the test bundle; the variable `TENON_BINARY` names another.
package func toolPath() throws -> String {
    if let path = Syscalls.environment("TENON_BINARY") { return path }
    #if os(Linux)
        var folder = Paths.parent(of: try Folder.resolved("/proc/self/exe"))
    #else
        var folder = Paths.parent(of: CommandLine.arguments[0])
    #endif
    for _ in 0..<5 {
        let path = Paths.joined(folder, "tenon")
        if try Folder.kind(of: path) == .file { return path }
        folder = Paths.parent(of: folder)
    }
    // Run from within the tool chain's helper: the package's own build folder is all that is left.
    for path in [".build/debug/tenon", ".build/release/tenon"] where try Folder.kind(of: path) == .file { return path }
    throw ToolError(description: "no built tenon found; set TENON_BINARY")
}

/// Runs the built tool, or another `executable`, feeds it `stdin` and collects what it says.
///
/// - Parameters:
///   - environment: set beside or instead of this process's own variables; nil takes one away.
///   - secondsAllowed: after which it is killed.
///   - interrupt: a signal to send, and after how many milliseconds.
package func runTool(
    _ arguments: [String], environment: [String: String?] = [:], stdin: [UInt8] = [], executable: String? = nil,
    secondsAllowed: Int = 60, interrupt: (signal: Int32, afterMilliseconds: Int)? = nil
) throws -> ToolRun {
    let path = try executable ?? toolPath()
    // One at a time: a child born between another's pipe() and its FD_CLOEXEC would hold that pipe open.
    let child = try spawning.withLock { _ in try Child(path, arguments, environment) }
    return try child.run(stdin, secondsAllowed: secondsAllowed, interrupt: interrupt)
}

private let spawning = Mutex(())

/// A process being talked to through three pipes.
private struct Child {
    let process: pid_t
    let input: Int32
    let output: Int32
    let errors: Int32
    /// The most this process had held when the child began.
    let ownPeak: Int

    init(_ path: String, _ arguments: [String], _ environment: [String: String?]) throws {
        let (inputEnd, input) = try pipePair()
        let (output, outputEnd) = try pipePair()
        let (errors, errorsEnd) = try pipePair()
        defer { for end in [inputEnd, outputEnd, errorsEnd] { close(end) } }
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = unsafe posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in [(inputEnd, 0), (outputEnd, 1), (errorsEnd, 2)] as [(Int32, Int32)] {
            unsafe posix_spawn_file_actions_adddup2(&actions, from, to)
        }
        // Ignored and blocked signals stay so through exec: we ignore SIGPIPE, and a script's background job others.
        var usual = sigset_t()
        var none = sigset_t()
        unsafe sigemptyset(&usual)
        unsafe sigemptyset(&none)
        for number in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&usual, number) }
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &usual)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let words = CStrings([path] + arguments)
        let variables = CStrings(Self.variables(changedBy: environment))
        var process: pid_t = 0
        let error = unsafe posix_spawn(&process, path, &actions, &attributes, words.pointers, variables.pointers)
        // Not before: other tests go on in this process, and the child counts what it held up to now.
        ownPeak = Self.ownPeakMemory()
        guard error == 0 else {
            for end in [input, output, errors] { close(end) }
            throw ToolError(description: "cannot run \(path): \(Errno(error).message)")
        }
        _ = fcntl(input, F_SETFL, O_NONBLOCK)
        self.process = process
        self.input = input
        self.output = output
        self.errors = errors
    }

    private static func variables(changedBy changes: [String: String?]) -> [String] {
        var list: [String] = []
        #if canImport(Darwin)
            var next = unsafe _NSGetEnviron().pointee
        #else
            var next = unsafe environ
        #endif
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            let name = String(text.prefix { $0 != "=" })
            if changes[name] == nil { list.append(text) }
            unsafe next += 1
        }
        for case (let name, let value?) in changes { list.append("\(name)=\(value)") }
        return list
    }

    func run(
        _ stdin: [UInt8], secondsAllowed: Int, interrupt: (signal: Int32, afterMilliseconds: Int)?
    ) throws -> ToolRun {
        let start = Syscalls.monotonicNanoseconds()
        var collected: [Int32: [UInt8]] = [output: [], errors: []]
        var ends: Set<Int32> = [input, output, errors]
        var sent = 0
        var interrupt = interrupt
        var timedOut = false
        // One sample for sure: it may be gone before the next.
        var sampledPeak = Self.peakMemory(of: process)
        signal(SIGPIPE, SIG_IGN)
        while ends.contains(output) || ends.contains(errors) {
            if sent == stdin.count, ends.remove(input) != nil { close(input) }
            var requests = ends.map { pollfd(fd: $0, events: Int16($0 == input ? POLLOUT : POLLIN), revents: 0) }
            _ = unsafe poll(&requests, nfds_t(requests.count), 5)
            for request in requests where request.revents != 0 {
                if request.fd == input {
                    let count = unsafe stdin[sent...].withUnsafeBytes { unsafe write(input, $0.baseAddress, $0.count) }
                    sent = count > 0 ? sent + count : count < 0 && errno == EAGAIN ? sent : stdin.count
                } else if !collect(request.fd, &collected[request.fd, default: []]) {
                    ends.remove(request.fd)
                    close(request.fd)
                }
            }
            sampledPeak = max(sampledPeak, Self.peakMemory(of: process))
            let elapsed = (Syscalls.monotonicNanoseconds() - start) / 1_000_000
            if let wanted = interrupt, elapsed >= wanted.afterMilliseconds {
                kill(process, wanted.signal)
                interrupt = nil
            }
            if !timedOut, elapsed > secondsAllowed * 1000 {
                kill(process, SIGKILL)
                timedOut = true
            }
            // Its own children may hold the pipes.
            if elapsed > (secondsAllowed + 5) * 1000 { break }
        }
        for end in ends { close(end) }
        return try finish(collected, sampledPeak, timedOut)
    }

    private func collect(_ descriptor: Int32, _ bytes: inout [UInt8]) -> Bool {
        var block = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe read(descriptor, &block, block.count)
        if count > 0 { bytes += block[..<count] }
        return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN))
    }

    private func finish(_ collected: [Int32: [UInt8]], _ sampledPeak: Int, _ timedOut: Bool) throws -> ToolRun {
        var status: Int32 = 0
        var usage = rusage()
        while unsafe wait4(process, &status, 0, &usage) < 0 {
            guard errno == EINTR else { throw ToolError(description: "lost the tool's process") }
        }
        // What the system reports counts our own memory, which the child shared until it became the tool: where it is
        // no more than that it says nothing, and the samples have to do; a tool that was gone before the first of them
        // was too short to hold much.
        let reported = Self.bytes(usage.ru_maxrss)
        // Linux counts what the spawning process held; its counters are only nearly exact.
        let isMasked = ownPeak > 0 && reported <= ownPeak + ownPeak / 8 + (8 << 20)
        let number = status & 0x7f
        return ToolRun(
            status: (status >> 8) & 0xff, signal: number == 0 ? nil : number,
            standardOutput: collected[output] ?? [], standardError: collected[errors] ?? [],
            peakMemory: isMasked ? sampledPeak : reported, timedOut: timedOut)
    }

    private static func ownPeakMemory() -> Int {
        #if os(Linux)
            peakMemory(of: getpid())
        #else
            0
        #endif
    }

    private static func bytes(_ maximumResident: Int) -> Int {
        #if canImport(Darwin)
            maximumResident
        #else
            maximumResident * 1024
        #endif
    }

    /// The most a living process has held, as far as the system tells; 0 where it does not.
    private static func peakMemory(of process: pid_t) -> Int {
        let descriptor = unsafe open("/proc/\(process)/status", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var block = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(descriptor, &block, block.count)
        let text = String(decoding: block.prefix(max(0, count)), as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }) else { return 0 }
        let words = line.split { $0 == " " || $0 == "\t" }
        return words.count > 1 ? (Int(words[1]) ?? 0) * 1024 : 0
    }
}

private func pipePair() throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw ToolError(description: "cannot make a pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
}

/// Words as C wants them: an array of pointers that ends with nil.
@safe
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ words: [String]) {
        count = words.count
        unsafe pointers = .allocate(capacity: count + 1)
        for (index, word) in words.enumerated() { unsafe (pointers + index).initialize(to: strdup(word)) }
        unsafe (pointers + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
}
