import Files
import JSON
import Support
import Testing

/// What people really hand to a tool: each has its error, its exit status, and leaves nothing behind.
@Suite("Bad input")
struct BadInputTests {
    /// Expects `pack` of the folder `in` to fail, and nothing but it to be there.
    private func expectRefusal(
        _ code: String, in place: TemporaryFolder, status: Int32 = 65, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectFailure(status, code, ["pack", place("in"), "-o", place("a.tenon")], sourceLocation: sourceLocation)
        #expect(try place.names() == ["in"], sourceLocation: sourceLocation)
    }

    private func inAdapter(_ name: String = "lora-llama", _ body: (TemporaryFolder) throws -> Void) throws {
        try inFolder { place in
            try copyFolder(Fixtures.path(name), to: place("in"))
            try body(place)
        }
    }

    @Test func noAdapter() throws {
        try inFolder { place in
            try Folder.make(place("in"))
            try expectRefusal("not-an-adapter", in: place)
            try place.write([1, 2], to: "in/photo.jpg")
            try expectRefusal("not-an-adapter", in: place)
        }
        try inFolder { place in
            try place.write([1, 2], to: "in")
            try expectRefusal("not-an-adapter", in: place)
        }
    }

    @Test func aWholeModelIsNoAdapter() throws {
        try inFolder { place in
            try copyFolder(Paths.joined(Fixtures.root, "bases/llama"), to: place("in"))
            try expectRefusal("not-an-adapter", in: place)
        }
    }

    @Test func configWithoutWeights() throws {
        try inAdapter { place in
            try Folder.remove(place("in/adapter_model.safetensors"))
            try expectRefusal("weights-missing", in: place)
        }
    }

    @Test func weightsWithoutConfig() throws {
        try inAdapter { place in
            try Folder.remove(place("in/adapter_config.json"))
            try expectRefusal("config-missing", in: place)
        }
    }

    @Test("a config that is none", arguments: [("", "json-syntax"), ("{", "json-syntax"), ("[]", "config-invalid"),
        (#"{"r":4}"#, "config-invalid"), (#"{"peft_type":"LORA","r":4,"r":8}"#, "json-duplicate"),
        (#"{"peft_type":7}"#, "config-invalid"), (#"{"peft_type":"LORA","r":-1}"#, "bad-param")])
    func config(text: String, code: String) throws {
        try inAdapter { place in
            try place.write(Array(text.utf8), to: "in/adapter_config.json")
            try expectRefusal(code, in: place)
        }
    }

    @Test func keysOfUnknownShape() throws {
        try inAdapter { place in
            let path = "in/adapter_model.safetensors"
            var bytes = try contents(of: place(path))
            // Of the same length, so that the header stays what it says it is.
            let name = Array("self_attn.q_proj.lora_A".utf8)
            let other = Array("self_attn.q_proj.blurb_".utf8)
            let at = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
            bytes.replaceSubrange(at..<at + name.count, with: other)
            try place.write(bytes, to: path)
            try expectRefusal("unknown-key", in: place)
        }
    }

    @Test("weights cut short anywhere", arguments: [0, 4, 8, 100, 3000, 19_000])
    func truncatedWeights(count: Int) throws {
        try inAdapter { place in
            let path = "in/adapter_model.safetensors"
            try place.write(Array(try contents(of: place(path)).prefix(count)), to: path)
            let run = try runTool(["pack", place("in"), "-o", place("a.tenon"), "--json"])
            #expect(run.status == 65, "\(run.errors)")
            #expect(try document(run)["error"]?["path"]?.string == place(path))
            #expect(try place.names() == ["in"])
        }
    }

    @Test("a damaged container, and nothing is left behind", arguments: 1...24)
    func damagedContainer(part: Int) throws {
        try inFolder { place in
            var bytes = try contents(of: try packed("lora-llama", in: place))
            let offset = (bytes.count - 1) * part / 24
            bytes[offset] ^= 0x10
            try place.write(bytes, to: "flipped.tenon")
            try place.write(Array(bytes.prefix(offset)), to: "short.tenon")
            for file in ["flipped.tenon", "short.tenon"] {
                for verb in [["verify"], ["unpack", "-o", place("out")]] {
                    let run = try runTool(verb + [place(file), "--json"])
                    #expect(run.status == 65, "\(run.errors)")
                    expectErrorLines(run)
                    #expect(try document(run)["error"]?["path"]?.string == place(file))
                }
            }
            #expect(try place.names() == ["a.tenon", "flipped.tenon", "short.tenon"])
        }
    }

    @Test("two configs: the one that was stored and the one that was meant must agree")
    func twoConfigs() throws {
        try inAdapter { place in
            try place.write(try contents(of: place("in/adapter_config.json")), to: "in/config.json")
            try place.write(try contents(of: place("in/adapter_config.json")), to: "in/adapter_config.json.bak")
            let run = try runTool(["pack", place("in"), "-o", place("a.tenon")])
            #expect(run.status == 0, "\(run.errors)")
            let unpack = try runTool(["unpack", place("a.tenon"), "-o", place("out")])
            #expect(unpack.status == 0)
            #expect(try Folder.entries(of: place("out")).map(\.name) == Folder.entries(of: place("in")).map(\.name))
        }
    }

    @Test func whatTrainingLeavesIsNamedAndLeftOut() throws {
        try inAdapter { place in
            for name in ["optimizer.pt", "training_args.bin"] { try place.write([0, 1], to: "in/" + name) }
            try Folder.make(place("in/runs"))
            let run = try runTool(["pack", place("in"), "-o", place("a.tenon"), "--json"])
            #expect(run.status == 0)
            let warnings = (try document(run)["warnings"]?.array ?? []).compactMap(\.string).joined()
            for name in ["optimizer.pt", "training_args.bin", "runs"] {
                #expect(warnings.contains(name) && run.errors.contains(name))
            }
        }
    }
}
