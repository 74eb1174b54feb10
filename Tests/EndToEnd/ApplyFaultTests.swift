import Files
import JSON
import Support
import Testing

#if FaultInjection
    @Suite("Faults while applying")
    struct ApplyFaultTests {
        private func arguments(_ place: TemporaryFolder) -> [String] {
            ["apply", Fixtures.path("lora-llama"), "--base", Models.path("llama"), "-o", place("out")]
        }

        @Test("no space at any call, and nothing is left behind", arguments: ["write", "pwrite", "reserve", "fsync"])
        func noSpace(call: String) throws {
            try inFolder { place in
                for number in 1...60 {
                    let fault = ["TENON_FAULT": "\(call)@.out:\(number)=ENOSPC"]
                    let run = try runTool(arguments(place) + ["--json"], environment: fault)
                    if run.status == 0 { return }
                    #expect(run.status == 74)
                    #expect(try document(run)["error"]?["code"]?.string == "no-space")
                    #expect(try place.names() == [])
                }
                Issue.record("never came to an end")
            }
        }

        @Test(
            "the medium fails",
            arguments: ["pread@model.safetensors=EIO", "fsync=EIO", "rename=EIO", "pread@adapter_model:2+=EIO"])
        func failing(fault: String) throws {
            try inFolder { place in
                try expectFailure(74, "io-error", arguments(place), environment: ["TENON_FAULT": fault])
                #expect(try place.names() == [])
            }
        }

        @Test("a base or a file beside it that shrinks while it is read is refused")
        func changed() throws {
            try inFolder { place in
                // The length and the header are read, then the data.
                for fault in ["pread@model.safetensors:3+=short:0", "pread@config.json:2+=short:0"] {
                    try expectFailure(
                        74, "changed-during-read", arguments(place), environment: ["TENON_FAULT": fault])
                    #expect(try place.names() == [])
                }
            }
        }

        @Test("killed after any number of bytes, it leaves nothing under the output's name", arguments: 1...10)
        func killed(part: Int) throws {
            try inFolder { place in
                let size = try InputFile(path: Paths.joined(Models.path("llama"), "model.safetensors")).size
                let fault = ["TENON_FAULT": "bytes@.out:\(size * part / 10)=kill"]
                #expect(try runTool(arguments(place), environment: fault).signal == 9)
                #expect(try !exists(place("out")))
            }
        }
    }
#endif
