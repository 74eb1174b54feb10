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

func code<Value>(_ body: () throws -> Value) -> Failure.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? Failure)?.code
    }
}

extension OutputFile {
    func write(_ bytes: [UInt8]) throws(Failure) { try unsafe write(bytes.span.bytes) }
    func write(_ bytes: [UInt8], at offset: Int) throws(Failure) { try unsafe write(bytes.span.bytes, at: offset) }
}

@Suite struct OutputFileTests {
    let folder: TemporaryFolder
    let bytes: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        var random = RepeatableRandom(seed: 2)
        bytes = random.bytes(5_000)
    }

    /// One file written in every way there is.
    private func make(replacing: Bool = false) throws {
        let file = try OutputFile.create(at: folder("out"), replacing: replacing)
        try file.reserve(byteCount: 8_000)
        try file.write(Array(bytes[..<1_000]))
        try file.write(Array(bytes[3_000...]), at: 3_000)
        try file.write(Array(bytes[1_000..<3_000]), at: 1_000)
        try file.commit()
    }

    @Test func appearsWholeOnCommit() throws {
        let file = try OutputFile.create(at: folder("out"), replacing: false)
        try file.write(bytes)
        try file.write([1, 2])
        #expect(file.position == 5_002 && file.byteCount == 5_002)
        #expect(try !folder.names().contains("out"))
        try file.commit()
        #expect(try folder.names() == ["out"])
        #expect(try contents(of: folder("out")) == bytes + [1, 2])
        #expect(file.isCommitted)
    }

    @Test func placesAndReserve() throws {
        try make()
        #expect(try contents(of: folder("out")) == bytes)
    }

    @Test func holesAreZero() throws {
        let file = try OutputFile.create(at: folder("out"), replacing: false)
        try file.write([7], at: 3)
        try file.commit()
        #expect(try contents(of: folder("out")) == [0, 0, 0, 7])
    }

    @Test func rightsFollowTheUmask() throws {
        try make()
        var status = stat()
        try #require(unsafe stat(folder("out"), &status) == 0)
        let mask = umask(0)
        umask(mask)
        #expect(status.st_mode & 0o777 == 0o666 & ~mask)
    }

    @Test func withoutCommitNothingRemains() throws {
        do {
            let file = try OutputFile.create(at: folder("out"), replacing: false)
            try file.write(bytes)
        }
        #expect(try folder.names() == [])
    }

    @Test func anExistingFileIsKept() throws {
        try folder.write([1], to: "out")
        let failure = try #require(throws: Failure.self) {
            try OutputFile.create(at: folder("out"), replacing: false)
        }
        #expect(failure.code == .outputExists)
        #expect(failure.hints == ["--force replaces it"])
        #expect(try contents(of: folder("out")) == [1])
    }

    @Test func aFileThatCameInBetweenIsKept() throws {
        let file = try OutputFile.create(at: folder("out"), replacing: false)
        try file.write(bytes)
        try folder.write([1], to: "out")
        #expect(code { try file.commit() } == .outputExists)
        #expect(code { try file.commit() } == .outputExists)
        _ = consume file
        #expect(try contents(of: folder("out")) == [1])
        #expect(try folder.names() == ["out"])
    }

    @Test func replacesWhenTold() throws {
        try folder.write([1], to: "out")
        try make(replacing: true)
        #expect(try contents(of: folder("out")) == bytes)
        #expect(try folder.names() == ["out"])
    }

    @Test func aLinkIsReplacedAndItsTargetKept() throws {
        try folder.write([1], to: "target")
        #expect(unsafe symlink("target", folder("out")) == 0)
        #expect(code { try make() } == .outputExists)
        try make(replacing: true)
        #expect(try contents(of: folder("target")) == [1])
        #expect(try contents(of: folder("out")) == bytes)
    }

    @Test func placesThatCannotBe() throws {
        try Folder.make(folder("sub"))
        #expect(unsafe mkfifo(folder("pipe"), 0o600) == 0)
        for path in [folder("none/out"), folder("sub"), folder("sub/"), folder("new/"), "", "/", folder("."), "a\0b"] {
            #expect(code { try OutputFile.create(at: path, replacing: true) } == .cannotCreate, "\(path)")
        }
        for path in [folder("pipe"), "/dev/null"] {
            #expect(code { try OutputFile.create(at: path, replacing: true) } == .cannotCreate)
            #expect(code { try OutputFile.create(at: path, replacing: false) } == .outputExists)
        }
        #expect(try folder.names() == ["pipe", "sub"])
    }

    @Test func aLongNameHasRoomForTheTemporaryOne() throws {
        let name = String(repeating: "ü", count: 127)
        try folder.write([1], to: name)
        #expect(try folder.names() == [name])
    }

    @Test func misuse() throws {
        let file = try OutputFile.create(at: folder("out"), replacing: false)
        #expect(code { try file.write([1], at: -1) } == .internal)
        #expect(code { try file.write([1], at: .max) } == .internal)
        try file.commit()
        #expect(code { try file.write([1]) } == .internal)
        #expect(code { try file.commit() } == .internal)
        #expect(code { try OutputFile.standardOutput().write([1], at: 0) } == .internal)
    }

    @Test func manyThreadsAtOnce() async throws {
        let file = try OutputFile.create(at: folder("out"), replacing: false)
        let all = bytes
        try await withThrowingTaskGroup { group in
            for place in stride(from: 0, to: 5_000, by: 50) {
                group.addTask { try file.write(Array(all[place..<place + 50]), at: place) }
            }
            try await group.waitForAll()
        }
        try file.commit()
        #expect(try contents(of: folder("out")) == bytes)
    }

    #if FaultInjection
        @Test(arguments: [
            "write:1=EINTR,pwrite:2=EINTR", "write:1+=short:10,pwrite:1+=short:33", "fsync:1=EINTR",
            "reserve=ENOTSUP", "close:1=EINTR",
        ])
        func whatCanBeOvercome(_ plan: String) throws {
            try FaultPlan.with(plan, on: folder.path) { try make() }
            #expect(try contents(of: folder("out")) == bytes)
        }

        /// Each call fails in turn, with an output that is new and with one that is there.
        @Test(arguments: ["ENOSPC", "EIO", "EDQUOT"], [false, true])
        func everyCallThatFailsLeavesNothing(_ error: String, replacing: Bool) throws {
            for call in ["stat", "open", "reserve", "write", "pwrite", "truncate", "fsync", "close", "rename"] {
                for number in 1...3 {
                    if replacing { try folder.write([1], to: "out") }
                    let plan = "\(call):\(number)=\(error)"
                    let failed = FaultPlan.with(plan, on: folder.path) { code { try make(replacing: replacing) } }
                    let names = try folder.names()
                    // The first open is of the file, the second of its folder; a file that is absent is asked for once.
                    guard let failed else {
                        #expect(try contents(of: folder("out")) == bytes, "\(plan)")
                        try Folder.remove(folder("out"))
                        continue
                    }
                    #expect(failed == (error == "EIO" ? .inputOutput : .noSpace), "\(plan)")
                    #expect(names == (replacing ? ["out"] : []), "\(plan)")
                    if replacing {
                        let isNew = try contents(of: folder("out")) == bytes
                        let isOld = try contents(of: folder("out")) == [1]
                        #expect(isNew != isOld, "\(plan)")
                        // Only the folder's flush comes after the rename.
                        if isNew { #expect((call == "fsync" || call == "open") && number == 2, "\(plan)") }
                        try Folder.remove(folder("out"))
                    }
                }
            }
        }

        @Test func aFailedFlushIsNotTriedAgain() throws {
            let file = try OutputFile.create(at: folder("out"), replacing: false)
            try file.write(bytes)
            FaultPlan.with("fsync:1=EIO", on: folder.path) {
                #expect(code { try file.commit() } == .inputOutput)
                #expect(code { try file.commit() } == .inputOutput)
                #expect(code { try file.write([1]) } == .inputOutput)
            }
            #expect(code { try file.commit() } == .inputOutput)
            #expect(try !folder.names().contains("out"))
        }

        @Test func aWriteThatMovesNothingEnds() throws {
            FaultPlan.with("write=short:0", on: folder.path) { #expect(code { try make() } == .inputOutput) }
        }

        @Test func aClosedPipeIsNoError() throws {
            let file = try OutputFile.create(at: folder("out"), replacing: false)
            let failure = FaultPlan.with("write=EPIPE", on: folder.path) { () -> Failure? in
                do throws(Failure) {
                    try file.write([1])
                    return nil
                } catch {
                    return error
                }
            }
            #expect(failure?.isClosedPipe == true)
            #expect(failure?.code.status == .done)
        }
    #endif
}
