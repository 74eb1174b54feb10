import Diagnostics
import Files
import Support
import Testing

@Suite struct OutputFolderTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func make(_ content: UInt8 = 1, replacing: Bool = false) throws {
        let output = try OutputFolder.create(at: folder("out"), replacing: replacing)
        for name in ["a", "sub/b", "sub/deep/c"] {
            let file = try output.file(named: name)
            try file.write([content])
            try file.commit()
        }
        try output.commit()
    }

    @Test func appearsWholeOnCommit() throws {
        try make()
        #expect(try folder.names() == ["out"])
        #expect(try Folder.entries(of: folder("out")).map(\.name) == ["a", "sub"])
        #expect(try contents(of: folder("out/sub/deep/c")) == [1])
    }

    @Test func withoutCommitNothingRemains() throws {
        do {
            let output = try OutputFolder.create(at: folder("out"), replacing: false)
            let file = try output.file(named: "x/y")
            try file.write([1])
            try output.file(named: "z").commit()
        }
        #expect(try folder.names() == [])
    }

    @Test func anUnfinishedFileIsAFault() throws {
        do {
            let output = try OutputFolder.create(at: folder("out"), replacing: false)
            _ = try output.file(named: "x")
            #expect(code { try output.commit() } == .internal)
            #expect(code { try output.file(named: "y") } == .internal)
        }
        #expect(try folder.names() == [])
    }

    @Test func onlyOurOwnFoldersAreReplaced() throws {
        try make(1)
        #expect(code { try make(2) } == .outputExists)
        try make(2, replacing: true)
        #expect(try contents(of: folder("out/a")) == [2])
        #expect(try folder.names() == ["out"])

        try Folder.remove(folder("out"))
        try Folder.make(folder("out"))
        try folder.write([2], to: "out/a")
        #expect(code { try make(3, replacing: true) } == .outputExists)
        #expect(try contents(of: folder("out/a")) == [2])

        try Folder.remove(folder("out"))
        try Folder.make(folder("out"))
        #expect(code { try make(4) } == .outputExists)
        try make(4, replacing: true)
        #expect(try contents(of: folder("out/a")) == [4])

        try Folder.remove(folder("out"))
        try folder.write([9], to: "out")
        #expect(code { try make(5, replacing: true) } == .outputExists)
        #expect(try contents(of: folder("out")) == [9])
    }

    @Test func namesThatLeadOutAreRefused() throws {
        let output = try OutputFolder.create(at: folder("out/"), replacing: false)
        for name in ["", "/a", "../a", "a/../b", "a//b", "a/", ".", "a/.", "a\0b"] {
            #expect(code { try output.file(named: name) } == .badName, "\(name)")
        }
        _ = try output.file(named: "a")
        #expect(code { try output.file(named: "a") } == .outputExists)
        #expect(code { try OutputFolder.create(at: "/", replacing: true) } == .cannotCreate)
        #expect(code { try OutputFolder.create(at: "..", replacing: true) } == .cannotCreate)
        #expect(code { try OutputFolder.create(at: folder("none/out"), replacing: false) } == .cannotCreate)
    }

    #if FaultInjection
        @Test(arguments: ["ENOSPC", "EIO"], [false, true])
        func everyCallThatFailsLeavesNothing(_ error: String, replacing: Bool) throws {
            for call in ["stat", "mkdir", "open", "write", "fsync", "close", "rename"] {
                for number in 1...9 {
                    if replacing { try make(1) }
                    let plan = "\(call):\(number)=\(error)"
                    let failed = FaultPlan.with(plan, on: folder.path) { code { try make(2, replacing: replacing) } }
                    let names = try folder.names()
                    if failed == nil {
                        #expect(names == ["out"], "\(plan)")
                        #expect(try contents(of: folder("out/sub/b")) == [2], "\(plan)")
                    } else {
                        #expect(names == (replacing ? ["out"] : []), "\(plan)")
                        if replacing { #expect(try Folder.entries(of: folder("out")).count == 2, "\(plan)") }
                    }
                    try Folder.remove(folder("out"))
                }
            }
        }

        @Test func replacesInTwoStepsWhereOneIsNotToBeHad() throws {
            try make(1)
            // The first rename finds the old folder, the second would swap the two.
            try FaultPlan.with("rename:2=ENOTSUP", on: folder.path) { try make(2, replacing: true) }
            #expect(try contents(of: folder("out/a")) == [2])
            #expect(try folder.names() == ["out"])

            let failed = FaultPlan.with("rename:2=ENOTSUP,rename:4=EIO", on: folder.path) {
                code { try make(3, replacing: true) }
            }
            #expect(failed == .inputOutput)
            #expect(try contents(of: folder("out/a")) == [2])
            #expect(try folder.names() == ["out"])
        }
    #endif
}
