import Diagnostics
import Files
import Support
import Testing

/// What is kept of an output that is interrupted, and who may touch it.
@Suite struct PartialWorkTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func begin(resuming: Bool = false, replacing: Bool = false, key: String = "k") throws(Failure)
        -> OutputFolder
    {
        try OutputFolder.createResumable(at: folder("out"), replacing: replacing, key: key, resuming: resuming)
    }

    private func fill(_ output: OutputFolder, _ names: [String] = ["a"]) throws {
        for name in names {
            let file = try output.file(named: name)
            try file.write([1])
            try file.commit()
            try output.noteFinished(name, digest: "digest-of-\(name)")
        }
    }

    /// What a process that was killed leaves.
    private func leave(_ journal: String, _ names: [String]) throws {
        try Folder.make(folder(".out.tenon-partial"))
        for name in names { try folder.write([1], to: ".out.tenon-partial/" + name) }
        try folder.write(Array(journal.utf8), to: ".out.tenon-partial/.journal")
    }

    @Test func onlyOneMayFillIt() throws {
        let first = try begin()
        try fill(first)
        for resuming in [false, true] { #expect(code { try begin(resuming: resuming) } == .busy) }
        try first.commit()
        #expect(try folder.names() == ["out"])
        #expect(try Folder.entries(of: folder("out")).map(\.name) == ["a"])
    }

    @Test func itIsFreeAgainOnceItIsLetGo() throws {
        do { try fill(try begin()) }
        let second = try begin()
        try fill(second)
        try second.commit()
        let third = try begin(replacing: true)
        try fill(third, ["b"])
        try third.commit()
        #expect(try Folder.entries(of: folder("out")).map(\.name) == ["b"])
        #expect(try folder.names() == ["out"])
    }

    @Test func finishedFilesComeWithTheirDigests() throws {
        // Twins: one character in one code point and in two.
        try leave("key k\ndone d1 a\ndone d2 caf\u{e9}\ndone d3 gone\ndone d4 cut", ["a", "cafe\u{301}", "cut"])
        let output = try begin(resuming: true)
        #expect(output.finishedCount == 1)
        #expect(output.finishedDigest(of: "a") == "d1")
        for name in ["caf\u{e9}", "cafe\u{301}", "gone", "cut"] { #expect(output.finishedDigest(of: name) == nil) }
        try output.discardFinished("a")
        #expect(output.finishedCount == 0)
        try fill(output)
        try output.commit()
        #expect(try Folder.entries(of: folder("out")).map(\.name) == ["a"])
    }

    @Test func otherInputsAreNotMixed() throws {
        try leave("key other\ndone d1 a\n", ["a"])
        #expect(code { try begin(resuming: true) } == .outputExists)
        #expect(try folder.names() == [".out.tenon-partial"])
        let output = try begin()
        #expect(output.finishedCount == 0)
    }

    #if FaultInjection
        @Test func withoutLocksItIsFilledAllTheSame() throws {
            for error in ["ENOTSUP", "EBADF"] {
                try FaultPlan.with("flock=\(error)", on: folder.path) {
                    let output = try begin()
                    try fill(output)
                    try output.commit()
                }
                try Folder.remove(folder("out"))
            }
            #expect(FaultPlan.with("flock=EIO", on: folder.path) { code { try begin() } } == .inputOutput)
            #expect(try folder.names() == [])
        }

        @Test(arguments: ["stat", "mkdir", "open", "write", "fsync", "fstat", "flock", "unlink", "rename"])
        func everyCallThatFailsLeavesNothing(call: String) throws {
            for number in 1...9 {
                let plan = "\(call):\(number)=EIO"
                let failed = FaultPlan.with(plan, on: folder.path) {
                    code {
                        let output = try begin()
                        try fill(output)
                        try output.commit()
                    }
                }
                #expect(try folder.names() == (failed == nil ? ["out"] : []), "\(plan)")
                try Folder.remove(folder("out"))
            }
        }
    #endif
}
