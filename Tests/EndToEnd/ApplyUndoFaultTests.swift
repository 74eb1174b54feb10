import Files
import Support
import Testing

#if FaultInjection
    /// A result and the correction that belongs to it are two files: neither may stand beside another's.
    @Suite("Killed between a result and its correction")
    struct ApplyUndoFaultTests {
        private static let calls = ["rename", "fsync", "unlink"]

        private func apply(_ adapter: String, _ place: TemporaryFolder, _ name: String) -> [String] {
            [
                "apply", Fixtures.path(adapter), "--base", Models.path("llama"), "-o", place(name), "--undo",
                place(name + ".tenon"),
            ]
        }

        private func expectPair(_ expected: [String], _ place: TemporaryFolder, _ plan: String) throws {
            let undo = try contents(of: place("out.tenon"))
            let match = try expected.first { try contents(of: place($0 + ".tenon")) == undo }
            let name = try #require(match, "\(plan)")
            try expectSameFiles(place(name), place("out"))
        }

        @Test("nothing stands there, or both, and --resume ends with both", arguments: calls)
        func fresh(call: String) throws {
            try inFolder { place in
                try succeed(apply("lora-llama", place, "whole"))
                var isDone = false
                for number in 1...40 where !isDone {
                    let plan = "\(call)@out:\(number)=kill"
                    let arguments = apply("lora-llama", place, "out")
                    isDone = try runTool(arguments, environment: ["TENON_FAULT": plan]).signal == nil
                    if try exists(place("out")) {
                        try expectPair(["whole"], place, plan)
                    } else {
                        try succeed(arguments + ["--resume"])
                        try expectPair(["whole"], place, plan)
                    }
                    for name in ["out", "out.tenon", ".out.tenon-partial"] { try Folder.remove(place(name)) }
                }
                #expect(isDone)
            }
        }

        @Test("an older pair is never mixed with a new one", arguments: calls)
        func replacing(call: String) throws {
            try inFolder { place in
                try succeed(apply("lora-llama", place, "whole"))
                try succeed(apply("loha", place, "older"))
                var isDone = false
                for number in 1...40 where !isDone {
                    for name in ["out", "out.tenon"] { try Folder.remove(place(name)) }
                    try succeed(apply("loha", place, "out"))
                    let plan = "\(call)@out:\(number)=kill"
                    let arguments = apply("lora-llama", place, "out") + ["--force"]
                    isDone = try runTool(arguments, environment: ["TENON_FAULT": plan]).signal == nil
                    if try exists(place("out")) { try expectPair(["whole", "older"], place, plan) }
                    try succeed(arguments + ["--resume"])
                    try expectPair(["whole"], place, plan)
                }
                #expect(isDone)
            }
        }

        @Test("an error brings the older pair back", arguments: calls)
        func failing(call: String) throws {
            try inFolder { place in
                try succeed(apply("lora-llama", place, "whole"))
                try succeed(apply("loha", place, "older"))
                try succeed(apply("loha", place, "out"))
                var isDone = false
                for number in 1...40 where !isDone {
                    let plan = "\(call)@out:\(number)=EIO"
                    let run = try runTool(
                        apply("lora-llama", place, "out") + ["--force"], environment: ["TENON_FAULT": plan])
                    isDone = run.status == 0
                    #expect(isDone || run.status == 74, "\(plan) \(run.errors)")
                    try expectPair(isDone ? ["whole"] : ["older", "whole"], place, plan)
                    if try !exists(place("out")) { break }
                }
                #expect(isDone)
            }
        }

        @Test("--resume does not replace another correction")
        func other() throws {
            try inFolder { place in
                try succeed(apply("loha", place, "out"))
                try Folder.remove(place("out"))
                let before = try contents(of: place("out.tenon"))
                try expectFailure(73, "output-exists", apply("lora-llama", place, "out") + ["--resume"])
                try writeFile([1, 2, 3], to: place("out.tenon"))
                try expectFailure(73, "output-exists", apply("loha", place, "out") + ["--resume"])
                try writeFile(before, to: place("out.tenon"))
                try succeed(apply("loha", place, "out") + ["--resume"])
                #expect(try contents(of: place("out.tenon")) == before)
            }
        }
    }
#endif
