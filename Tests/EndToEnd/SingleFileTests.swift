import Files
import JSON
import Support
import Testing

@Suite("A single file as base and result")
struct SingleFileTests {
    private let base = Paths.joined(Models.path("llama"), "model.safetensors")

    private func apply(_ place: TemporaryFolder, _ output: String, _ more: [String] = []) -> [String] {
        ["apply", Fixtures.path("lora-llama"), "--base", base, "-o", place(output)] + more
    }

    @Test("a base that is one file gives one where the output is named so, else a folder")
    func file() throws {
        try inFolder { place in
            try succeed(apply(place, "folder"))
            let report = try document(succeed(apply(place, "x.safetensors", ["--undo", place("u.tenon"), "--json"])))
            #expect(report["files"]?.array?.count == 1)
            let wanted = try contents(of: place("folder/model.safetensors"))
            #expect(try contents(of: place("x.safetensors")) == wanted)
            try expectFailure(73, "output-exists", apply(place, "x.safetensors"))
            try succeed(apply(place, "x.safetensors", ["--scale", "0", "--force"]))
            try succeed(apply(place, "x.safetensors", ["--force"]))
            #expect(try contents(of: place("x.safetensors")) == wanted)
            try succeed([
                "unapply", Fixtures.path("lora-llama"), "--merged", place("x.safetensors"), "--undo", place("u.tenon"),
                "-o", place("again.safetensors"),
            ])
            #expect(try contents(of: place("again.safetensors")) == contents(of: base))
            #expect(try place.names() == ["again.safetensors", "folder", "u.tenon", "x.safetensors"])
        }
    }

    @Test("several files do not go into one, and a folder is not replaced by one")
    func refused() throws {
        try inFolder { place in
            for more in [[], ["--dry-run"]] {
                try expectFailure(64, "usage", apply(place, "x.safetensors", ["--shard-size", "20K"] + more))
            }
            try Folder.make(place("y.safetensors"))
            try expectFailure(73, "cannot-create", apply(place, "y.safetensors", ["--force"]))
            #expect(try place.names() == ["y.safetensors"])
        }
    }

    #if FaultInjection
        @Test("killed anywhere, it goes on to the same file", arguments: ["pwrite", "fsync", "rename", "unlink"])
        func killed(call: String) throws {
            try inFolder { place in
                try succeed(apply(place, "whole.safetensors"))
                let wanted = try contents(of: place("whole.safetensors"))
                var isDone = false
                for number in 1...40 where !isDone {
                    let plan = "\(call)@x.safetensors:\(number)=kill"
                    isDone =
                        try runTool(apply(place, "x.safetensors"), environment: ["TENON_FAULT": plan]).signal == nil
                    // Where only the empty folder of its work was left to remove, it is there.
                    if try !exists(place("x.safetensors")) {
                        try succeed(apply(place, "x.safetensors", ["--resume"]))
                        #expect(try place.names() == ["whole.safetensors", "x.safetensors"], "\(plan)")
                    }
                    #expect(try contents(of: place("x.safetensors")) == wanted, "\(plan)")
                    for name in ["x.safetensors", ".x.safetensors.tenon-partial"] { try Folder.remove(place(name)) }
                }
                #expect(isDone)
            }
        }
    #endif
}
