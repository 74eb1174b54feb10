import Files
import JSON
import Support
import Testing

#if FaultInjection
    /// System calls that fail, through the fault plan of the variable `TENON_FAULT`.
    @Suite("Faults of the system")
    struct FaultTests {
        private func run(_ arguments: [String], fault: String) throws -> ToolRun {
            try runTool(arguments, environment: ["TENON_FAULT": fault])
        }

        /// Expects `arguments` to fail under `fault`, and `place` to hold nothing new.
        private func expect(
            _ status: Int32, _ code: String, _ arguments: [String], fault: String, in place: TemporaryFolder,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let before = try place.names()
            try expectFailure(
                status, code, arguments, environment: ["TENON_FAULT": fault, "TMPDIR": place.path],
                sourceLocation: sourceLocation)
            #expect(try place.names() == before, "\(fault)", sourceLocation: sourceLocation)
        }

        @Test(
            "no space at any write, and nothing is left behind", arguments: ["write", "reserve", "truncate", "fsync"])
        func noSpacePacking(call: String) throws {
            try inFolder { place in
                let pack = ["pack", Fixtures.path("lora-readme"), "-o", place("a.tenon"), "--json"]
                for number in 1...40 {
                    let run = try run(pack, fault: "\(call)@a.tenon:\(number)=ENOSPC")
                    if run.status == 0 {
                        #expect(number > 1 || call == "reserve" || call == "truncate")
                        return
                    }
                    #expect(run.status == 74)
                    #expect(try document(run)["error"]?["code"]?.string == "no-space")
                    #expect(try place.names() == [])
                }
                Issue.record("never came to an end")
            }
        }

        @Test(
            "no space while unpacking, and nothing is left behind",
            arguments: ["write", "pwrite", "reserve", "fsync"], ["peft", "vllm", "safetensors"])
        func noSpaceUnpacking(call: String, format: String) throws {
            try inFolder { place in
                let container = try packed("lora-llama", in: place)
                let unpack = ["unpack", container, "-o", place("out"), "--format", format, "--json"]
                for number in 1...60 {
                    let run = try run(unpack, fault: "\(call)@.out:\(number)=ENOSPC")
                    if run.status == 0 { return }
                    #expect(run.status == 74)
                    #expect(try document(run)["error"]?["code"]?.string == "no-space")
                    #expect(try place.names() == ["a.tenon"])
                }
                Issue.record("never came to an end")
            }
        }

        @Test("the medium fails")
        func inputOutput() throws {
            try inFolder { place in
                let container = try packed("lora-llama", in: place)
                let source = Fixtures.path("lora-llama")
                let pack = ["pack", source, "-o", place("b.tenon")]
                for fault in ["fsync=EIO", "write@b.tenon=EIO", "pread=EIO", "rename=EIO", "close@b.tenon=EIO"] {
                    try expect(74, "io-error", pack, fault: fault, in: place)
                }
                for verb in [["inspect"], ["verify"], ["unpack", "-o", place("out")]] {
                    try expect(74, "io-error", verb + [container], fault: "pread@a.tenon=EIO", in: place)
                }
                for fault in ["fsync=EIO", "pwrite=EIO", "rename=EIO"] {
                    try expect(74, "io-error", ["unpack", container, "-o", place("out")], fault: fault, in: place)
                }
            }
        }

        @Test("what may not be opened or made is 77")
        func permission() throws {
            try inFolder { place in
                let container = try packed("lora-llama", in: place)
                let pack = ["pack", Fixtures.path("lora-llama"), "-o", place("b.tenon")]
                for fault in [
                    "open@adapter_model=EACCES", "open@b.tenon=EACCES", "readdir=EACCES", "open@b.tenon=EPERM",
                ] {
                    try expect(77, "permission", pack, fault: fault, in: place)
                }
                for fault in ["open@a.tenon=EACCES", "mkdir=EACCES", "open@out=EACCES"] {
                    try expect(77, "permission", ["unpack", container, "-o", place("out")], fault: fault, in: place)
                }
                try expect(77, "permission", ["verify", container], fault: "open@a.tenon=EACCES", in: place)
                try expect(73, "cannot-create", pack, fault: "open@b.tenon=EROFS", in: place)
                try expect(74, "no-space", pack, fault: "open@b.tenon=ENOSPC", in: place)
                try expect(74, "oom", pack, fault: "open@adapter_model=ENOMEM", in: place)
            }
        }

        @Test(
            "transfers that fall short or are interrupted go on",
            arguments: [
                "pread=short:7", "write=short:11", "pwrite=short:13", "pread:2=EINTR", "write:2=EINTR",
                "pwrite:1=EINTR",
                "open:2=EINTR", "fsync:1=EINTR", "close=EINTR", "rename:1=EINTR", "reserve=EINVAL",
            ])
        func goesOn(fault: String) throws {
            try inFolder { place in
                let container = try packed("lora-llama", in: place)
                // A rule for each call that persists would interrupt for ever.
                let pack = try run(["pack", Fixtures.path("lora-llama"), "-o", place("b.tenon")], fault: fault)
                #expect(pack.status == 0, "\(pack.errors)")
                #expect(try contents(of: place("b.tenon")) == contents(of: container))
                let unpack = try run(["unpack", container, "-o", place("out")], fault: fault)
                #expect(unpack.status == 0, "\(unpack.errors)")
                for file in ["adapter_config.json", "adapter_model.safetensors"] {
                    let before = try contents(of: Paths.joined(Fixtures.path("lora-llama"), file))
                    #expect(try contents(of: place("out/" + file)) == before)
                }
                #expect(try run(["verify", container], fault: fault).status == 0)
            }
        }

        @Test("killed after any number of bytes, pack leaves nothing under the output's name", arguments: 1...20)
        func killedPacking(part: Int) throws {
            try inFolder { place in
                let size = try InputFile(path: try packed("lora-llama", in: place)).size
                let run = try run(
                    ["pack", Fixtures.path("lora-llama"), "-o", place("b.tenon")],
                    fault: "bytes@b.tenon:\(max(1, size * part / 20))=kill")
                #expect(run.signal == 9)
                #expect(try !exists(place("b.tenon")))
            }
        }

        @Test("killed after any number of bytes, unpack leaves nothing under the output's name", arguments: 1...10)
        func killedUnpacking(part: Int) throws {
            try inFolder { place in
                let container = try packed("lora-llama", in: place)
                let size = try Folder.entries(of: Fixtures.path("lora-llama")).reduce(0) { $0 + $1.size }
                let run = try run(
                    ["unpack", container, "-o", place("out")], fault: "bytes@.out:\(size * part / 10)=kill")
                #expect(run.signal == 9)
                #expect(try !exists(place("out")))
            }
        }

        @Test("killed before it is put in its place, an output that was there stays as it was")
        func killedReplacing() throws {
            try inFolder { place in
                try place.write([1, 2, 3], to: "b.tenon")
                let run = try run(
                    ["pack", Fixtures.path("lora-llama"), "-o", place("b.tenon"), "--force"], fault: "rename=kill")
                #expect(run.signal == 9)
                #expect(try contents(of: place("b.tenon")) == [1, 2, 3])
            }
        }
    }
#endif
