import Files
import Support
import Testing

#if FaultInjection
    @Suite("Going on with an interrupted apply")
    struct ResumeTests {
        private func prepare(_ place: TemporaryFolder) throws -> [String] {
            try succeed([
                "apply", Fixtures.path("ia3"), "--base", Models.path("llama"), "--scale", "1", "-o", place("base"),
                "--shard-size", "20K",
            ])
            let apply = ["apply", Fixtures.path("lora-llama"), "--base", place("base")]
            try succeed(apply + ["-o", place("whole")])
            return apply + ["-o", place("out")]
        }

        /// Twenty places over the bytes written, and twenty calls after the last of them.
        @Test("ends with the same bytes wherever it was killed", arguments: ["pwrite", "fsync", "rename"])
        func killed(call: String) throws {
            try inFolder { place in
                let apply = try prepare(place)
                var isDone = false
                for number in 1...60 where !isDone {
                    let run = try runTool(apply, environment: ["TENON_FAULT": "\(call)@.out:\(number)=kill"])
                    isDone = run.signal == nil
                    #expect(try Folder.kind(of: place("out")) == (isDone ? .folder : nil))
                    if !isDone { try succeed(apply + ["--resume"]) }
                    try expectSameFiles(place("whole"), place("out"))
                    #expect(try place.names() == ["base", "out", "whole"])
                    try Folder.remove(place("out"))
                }
                #expect(isDone)
            }
        }

        @Test(
            "makes a finished file again that is gone, was cut short or is not what was written",
            arguments: [
                "rm", "truncate -s 1000",
                "f() { printf '\\377\\376' | dd of=$1 bs=1 seek=$(($(stat -c %s $1) - 2)) conv=notrunc 2>&1; }; f",
                "f() { printf ' ' | dd of=$1 bs=1 seek=9 conv=notrunc 2>&1; }; f",
            ])
        func damaged(how: String) throws {
            try inFolder { place in
                let apply = try prepare(place)
                #expect(try runTool(apply, environment: ["TENON_FAULT": "fsync@.out:6=kill"]).signal != nil)
                let first = "$(ls .out.tenon-partial/*.safetensors | head -1)"
                #expect(try runShell("\(how) \(first)", in: place.path).status == 0)
                let resumed = try succeed(apply + ["--resume"])
                #expect(resumed.errors.contains("1 files were finished before"))
                try expectSameFiles(place("whole"), place("out"))
            }
        }

        @Test("keeps a finished file that is as it was, and tells so")
        func kept() throws {
            try inFolder { place in
                let apply = try prepare(place)
                #expect(try runTool(apply, environment: ["TENON_FAULT": "fsync@.out:6=kill"]).signal != nil)
                let resumed = try succeed(apply + ["--resume"])
                #expect(resumed.errors.contains("2 files were finished before"))
                try expectSameFiles(place("whole"), place("out"))
            }
        }

        @Test("refuses to mix inputs, and begins anew without --resume")
        func otherInputs() throws {
            try inFolder { place in
                let apply = try prepare(place)
                #expect(try runTool(apply, environment: ["TENON_FAULT": "fsync@.out:6=kill"]).signal != nil)
                let other = apply.map { $0 == Fixtures.path("lora-llama") ? Fixtures.path("lora-dora") : $0 }
                try expectFailure(73, "output-exists", other + ["--resume"])
                try succeed(other)
                #expect(try place.names() == ["base", "out", "whole"])
            }
        }
    }
#endif
