import Diagnostics
import Files
import Support
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite struct InputFileTests {
    let folder: TemporaryFolder
    let bytes: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        var random = RepeatableRandom(seed: 1)
        bytes = random.bytes(10_000)
    }

    @Test func readsAnyRange() throws {
        let file = try InputFile(path: folder.write(bytes, to: "a"))
        #expect(file.size == bytes.count)
        for (offset, count) in [(0, 10_000), (0, 0), (9_999, 1), (10_000, 0), (17, 4_096)] {
            #expect(try file.read(at: offset, count: count) == Array(bytes[offset..<offset + count]))
        }
        try file.checkUnchanged()
    }

    @Test func readsPastTheEndAreRefused() throws {
        let file = try InputFile(path: folder.write(bytes, to: "a"))
        for (offset, count) in [(10_000, 1), (9_999, 2), (0, Int.max), (Int.max, 1), (Int.max, Int.max)] {
            #expect(code { try file.read(at: offset, count: count) } == .truncated)
        }
        #expect(code { try file.read(at: -1, count: 1) } == .internal)
    }

    @Test func emptyFile() throws {
        let file = try InputFile(path: folder.write([], to: "a"))
        #expect(try file.size == 0 && file.read(at: 0, count: 0) == [])
    }

    @Test func manyThreadsAtOnce() async throws {
        let file = try InputFile(path: folder.write(bytes, to: "a"))
        let expected = bytes
        try await withThrowingTaskGroup { group in
            for lane in 0..<8 {
                group.addTask {
                    for place in stride(from: lane, to: 10_000 - 100, by: 97) {
                        let read = try file.read(at: place, count: 100)
                        #expect(read == Array(expected[place..<place + 100]))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func whatIsNoFileIsRefusedWithoutWaiting() throws {
        let pipe = folder("pipe")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        #expect(code { try InputFile(path: pipe) } == .notRegular)
        #expect(code { try InputFile(path: folder.path) } == .notRegular)
        #expect(code { try InputFile(path: "/dev/null") } == .notRegular)
        #expect(code { try InputFile(path: "/dev/zero") } == .notRegular)
        #if os(Linux)
            #expect(code { try InputFile(path: "/proc/self/status") } == .notRegular)
        #endif
    }

    @Test func whatIsNotThere() throws {
        let path = try folder.write(bytes, to: "a")
        #expect(unsafe symlink("loop", folder("loop")) == 0)
        for missing in [folder("b"), folder("b/c"), path + "/c", folder("loop"), "", "a\0b"] {
            #expect(code { try InputFile(path: missing) } == .notFound, "\(missing)")
        }
        let failure = try #require(throws: Failure.self) { try InputFile(path: folder("b")) }
        #expect(failure.cause == "No such file or directory")
        #expect(failure.path == folder("b"))
    }

    @Test func linksAreFollowed() throws {
        try folder.write(bytes, to: "a")
        #expect(unsafe symlink("a", folder("link")) == 0)
        #expect(try contents(of: folder("link")) == bytes)
    }

    @Test func aFileThatShrinks() throws {
        let path = try folder.write(bytes, to: "a")
        let file = try InputFile(path: path)
        #expect(unsafe truncate(path, 5_000) == 0)
        #expect(code { try file.read(at: 0, count: 10_000) } == .changedDuringRead)
        #expect(try file.read(at: 0, count: 5_000) == Array(bytes[..<5_000]))
        #expect(code { try file.checkUnchanged() } == .changedDuringRead)
    }

    @Test func aFileWrittenTo() throws {
        let path = try folder.write(bytes, to: "a")
        let file = try InputFile(path: path)
        #expect(unsafe utimes(path, nil) == 0)
        #expect(code { try file.checkUnchanged() } == .changedDuringRead)
    }

    @Test func aFileWhoseNameAnotherTook() throws {
        let path = try folder.write(bytes, to: "a")
        let file = try InputFile(path: path)
        try folder.write([1], to: "a")
        #expect(try file.read(at: 0, count: 10_000) == bytes)
        #expect(try InputFile(path: path).size == 1)
    }

    @Test func mappedRanges() throws {
        let file = try InputFile(path: folder.write(bytes, to: "a"))
        for (offset, count) in [(0, 10_000), (4_097, 100), (10_000, 0), (4_096, 5_904)] {
            let map = try MappedFile(file, at: offset, count: count)
            let view = map.bytes
            #expect(view.byteCount == count)
            let copy = (0..<count).map { unsafe view.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            #expect(copy == Array(bytes[offset..<offset + count]))
        }
        #expect(throws: Failure.self) { _ = try MappedFile(file, at: 1, count: 10_000).count }
    }

    @Test func aStreamIsSpooled() throws {
        var ends: [Int32] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        #expect(unsafe write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        let file = try InputFile.spooled(descriptor: ends[0], folder: folder.path)
        close(ends[0])
        #expect(try file.read(at: 0, count: file.size) == bytes)
        #expect(try folder.names() == [])
    }

    @Test func aStreamThatIsTooLong() throws {
        var ends: [Int32] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        #expect(unsafe write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        #expect(code { try InputFile.spooled(descriptor: ends[0], folder: folder.path, limit: 9_999) } == .tooLarge)
        close(ends[0])
        #expect(try folder.names() == [])
    }

    @Test func aRedirectedFileIsReadWhereItLies() throws {
        let path = try folder.write(bytes, to: "a")
        let descriptor = unsafe open(path, O_RDONLY)
        let file = try InputFile.spooled(descriptor: descriptor, folder: "/nowhere")
        #expect(try file.read(at: 0, count: file.size) == bytes)
        close(descriptor)
    }

    #if FaultInjection
        @Test(arguments: ["pread:1=EINTR", "pread:1+=short:7", "pread:3=EINTR,pread:1+=short:1000", "open:1=EINTR"])
        func interruptedAndShortReadsAreContinued(_ plan: String) throws {
            let path = try folder.write(bytes, to: "a")
            let read = try FaultPlan.with(plan, on: folder.path) { try contents(of: path) }
            #expect(read == bytes)
        }

        @Test(arguments: [
            ("pread:1=EIO", Failure.Code.inputOutput), ("pread:2=short:0,pread:1=short:100", .changedDuringRead),
            ("open=EACCES", .permission), ("open=EMFILE", .inputOutput), ("open=ENOMEM", .outOfMemory),
            ("fstat=EIO", .inputOutput), ("pread=ENOMEM", .outOfMemory), ("open=ENXIO", .notRegular),
        ])
        func faultsAreTold(_ plan: String, _ expected: Failure.Code) throws {
            let path = try folder.write(bytes, to: "a")
            FaultPlan.with(plan, on: folder.path) {
                #expect(code { try contents(of: path) } == expected)
            }
        }
    #endif
}
