import Checkpoints
import Diagnostics
import Files
import Support
import Tensors
import Testing

@Suite("Checkpoints") struct CheckpointTests {
    @Test("as one file, anywhere")
    func file() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: "beside.txt")
        let path = try folder.write(try weights(try Sample.all()), to: "x.safetensors")
        let found = try Checkpoint(path: path)
        #expect(found.shards.map(\.name) == ["x.safetensors"] && found.folder == folder.path)
        #expect(found.companions.isEmpty && found.indexName == nil && found.findings.isEmpty)
        #expect(found.tensors.map(\.name) == ["Z", "a", "a.weight", "b.weight", "empty", "\u{E9}"])
    }

    @Test("as a folder with shards, of which every tensor is found by its name")
    func shards() throws {
        let folder = try TemporaryFolder()
        let samples = try Sample.all()
        try folder.writeShards([
            ("model-00002-of-00002.safetensors", Array(samples[..<2])),
            ("model-00001-of-00002.safetensors", Array(samples[2...])),
        ])
        let others = ["config.json", "README.md", "tokenizer.model", "merges.txt"]
        for name in others { try folder.write(Array("{}".utf8), to: name) }
        let left = ["pytorch_model.bin", "pytorch_model.bin.index.json", "x.gguf", "consolidated.safetensors"]
        for name in left + [".hidden"] { try folder.write([1], to: name) }
        try Folder.make(folder("original"))

        let found = try Checkpoint(path: folder.path)
        #expect(found.shards.map(\.name) == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"])
        #expect(found.indexName == "model.safetensors.index.json")
        #expect(Set(found.companions) == Set(others + ["model.safetensors.index.json"]))
        #expect(found.findings.map(\.code) == ["file-skipped"])
        for name in left + ["original"] { #expect(found.findings[0].message.contains(name)) }
        for sample in samples {
            let tensor = try #require(found[sample.name])
            #expect(tensor.dtype == sample.buffer.dtype && tensor.shape == sample.buffer.shape)
            #expect(try tensor.source.readAll() == sample.buffer.bytes)
            #expect(found.shards[tensor.shard].file.tensors[tensor.position].name == sample.name)
        }
        #expect(found["e\u{301}"] == nil && found["none"] == nil)
        #expect(found.totalBytes == samples.reduce(0) { $0 + $1.buffer.byteCount })
        try found.checkUnchanged()
    }

    @Test("with shards in a folder of their own, and under diffusers' names")
    func otherNames() throws {
        let folder = try TemporaryFolder()
        try Folder.make(folder("part"))
        try folder.write(try weights([Sample("a", .f16, [2])]), to: "part/1.safetensors")
        try folder.write(index([("a", "part/1.safetensors")]), to: "diffusion_pytorch_model.safetensors.index.json")
        let found = try Checkpoint(path: folder.path)
        #expect(found.shards.map(\.name) == ["part/1.safetensors"] && found.findings.isEmpty)
        #expect(found.indexName == "diffusion_pytorch_model.safetensors.index.json")

        let single = try TemporaryFolder()
        try single.write(try weights([Sample("a", .f16, [2])]), to: "diffusion_pytorch_model.safetensors")
        #expect(try Checkpoint(path: single.path).tensors.count == 1)
    }

    @Test("what shards hold beyond the index counts, and is told")
    func unlisted() throws {
        let folder = try TemporaryFolder()
        try folder.write(try weights([Sample("a", .f16, [2]), Sample("b", .f16, [2])]), to: "x.safetensors")
        try folder.write(index([("a", "x.safetensors")]), to: "model.safetensors.index.json")
        let found = try Checkpoint(path: folder.path)
        #expect(found.tensors.map(\.name) == ["a", "b"])
        #expect(found.findings.map(\.code) == ["not-in-index"] && found.findings[0].object == "b")
    }

    @Test("model.safetensors comes before an index that does not name it")
    func fileBeforeIndex() throws {
        let folder = try TemporaryFolder()
        try folder.writeShards([("model.safetensors", [try Sample("a", .f16, [2])])])
        #expect(try Checkpoint(path: folder.path).indexName != nil)
        try folder.writeShards([("other.safetensors", [try Sample("b", .f16, [2])])])
        let found = try Checkpoint(path: folder.path)
        #expect(found.tensors.map(\.name) == ["a"] && found.indexName == nil)
        #expect(found.findings.map(\.code) == ["two-weights", "file-skipped"])
    }

    @Test("what the config says of ties and quantization")
    func config() throws {
        let folder = try TemporaryFolder()
        try folder.write(try weights([]), to: "model.safetensors")
        func config(_ text: String) throws -> Checkpoint {
            try folder.write(Array(text.utf8), to: "config.json")
            return try Checkpoint(path: folder.path)
        }
        #expect(try config("{}").tiesWordEmbeddings == nil)
        #expect(try config(#"{"tie_word_embeddings":true}"#).tiesWordEmbeddings == true)
        #expect(try config(#"{"text_config":{"tie_word_embeddings":false}}"#).tiesWordEmbeddings == false)
        for (text, expected) in [
            (#"{"quant_method":"gptq","bits":4}"#, "gptq"), (#"{"quant_method":"mxfp4"}"#, "mxfp4"), ("{}", nil),
            (#"{"load_in_4bit":true}"#, "bitsandbytes"), (#"{"bits":4}"#, "unknown"), ("null", nil),
        ] as [(String, String?)] {
            #expect(try config("{\"quantization_config\":\(text)}").quantization == expected)
        }
        let odd = try config(#"{"limit":Infinity}"#)
        #expect(odd.quantization == nil && odd.findings.map(\.code) == ["config-unread"])
    }

    @Test("a shard that is written meanwhile is noticed")
    func changed() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(try weights([Sample("a", .f16, [2])]), to: "x.safetensors")
        let found = try Checkpoint(path: path)
        try found.checkUnchanged()
        _ = try runTool(["-c", "printf x >>'\(path)'"], executable: "/bin/sh")
        let failure = #expect(throws: Failure.self) { try found.checkUnchanged() }
        #expect(failure?.code == .changedDuringRead)
    }
}

@Suite("Checkpoints that are refused") struct CheckpointRefusalTests {
    private func expect(
        _ code: Failure.Code, on object: String?, _ folder: TemporaryFolder,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let failure = #expect(throws: Failure.self, sourceLocation: sourceLocation) {
            try Checkpoint(path: folder.path)
        }
        #expect(
            failure?.code == code && failure?.object == object, "\(String(describing: failure))",
            sourceLocation: sourceLocation)
    }

    @Test(
        "names that lead out of the folder, or that are none",
        arguments: [
            "../x.safetensors", "a/../../x.safetensors", "/etc/passwd", "", ".", "..", "a//b", "a/", "./a", "..\\x",
            "a\u{0}b",
            "\u{1B}[31m", String(repeating: "n", count: 1025),
        ])
    func paths(name: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(try weights([Sample("a", .u8, [1])]), to: "x.safetensors")
        try folder.write(index([("a", name)]), to: "model.safetensors.index.json")
        expect(.basePath, on: "a", folder)
    }

    @Test(
        "texts that are no index",
        arguments: [
            ("", Failure.Code.jsonSyntax), ("{", .jsonSyntax), ("[]", .baseInvalid), ("{}", .baseInvalid),
            (#"{"weight_map":{}}"#, .baseInvalid), (#"{"weight_map":[]}"#, .baseInvalid),
            (#"{"weight_map":{"a":1}}"#, .baseInvalid), (#"{"weight_map":{"a":null}}"#, .baseInvalid),
            (#"{"weight_map":{"a":"x","a":"y"}}"#, .jsonDuplicate),
            (#"{"weight_map":{"a":"x"},"weight_map":{"a":"y"}}"#, .jsonDuplicate),
            (#"{"weight_map":{"a":"x.safetensors"}} x"#, .jsonSyntax),
            (#"{"metadata":\#(String(repeating: "[", count: 40))"#, .jsonLimit),
        ])
    func texts(text: String, code: Failure.Code) throws {
        let folder = try TemporaryFolder()
        try folder.write(try weights([Sample("a", .u8, [1])]), to: "x.safetensors")
        try folder.write(Array(text.utf8), to: "model.safetensors.index.json")
        let failure = #expect(throws: Failure.self) { try Checkpoint(path: folder.path) }
        #expect(
            failure?.code == code && failure?.path?.hasSuffix(".index.json") == true, "\(String(describing: failure))")
    }

    @Test("an index that does not fit its shards")
    func misfits() throws {
        let (a, b) = (try Sample("a", .u8, [1]), try Sample("b", .u8, [1]))
        func folder(_ map: [(String, String)]) throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            try folder.write(try weights([a]), to: "x.safetensors")
            try folder.write(try weights([b]), to: "y.safetensors")
            try folder.write(index(map), to: "model.safetensors.index.json")
            return folder
        }
        expect(
            .baseAmbiguous, on: "c",
            try folder([("a", "x.safetensors"), ("b", "y.safetensors"), ("c", "y.safetensors")]))
        expect(.baseAmbiguous, on: "a", try folder([("a", "y.safetensors")]))
        expect(.baseMissingShard, on: "z.safetensors", try folder([("a", "x.safetensors"), ("b", "z.safetensors")]))

        let twice = try folder([("a", "x.safetensors"), ("b", "y.safetensors")])
        try twice.write(try weights([b, a]), to: "y.safetensors")
        expect(.baseAmbiguous, on: "a", twice)

        let short = try folder([("a", "x.safetensors"), ("b", "y.safetensors")])
        try short.write(Array(try weights([b]).dropLast()), to: "y.safetensors")
        let failure = #expect(throws: Failure.self) { try Checkpoint(path: short.path) }
        #expect(failure?.code == .baseInvalid && failure?.path == short("y.safetensors"))
    }

    @Test("folders of something else")
    func otherFolders() throws {
        func folder(_ names: [String]) throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            for name in names { try folder.write(try weights([Sample("a", .u8, [1])]), to: name) }
            return folder
        }
        expect(.notACheckpoint, on: nil, try folder([]))
        expect(.notACheckpoint, on: nil, try folder(["pytorch_model.bin", "config.json"]))
        expect(.notACheckpoint, on: nil, try folder(["model.gguf"]))
        expect(.notACheckpoint, on: nil, try folder(["adapter_model.safetensors", "adapter_config.json"]))
        expect(.baseAmbiguous, on: "model-00001-of-00002.safetensors", try folder(["model-00001-of-00002.safetensors"]))
        expect(.baseAmbiguous, on: "x.safetensors", try folder(["x.safetensors", "y.safetensors"]))
        let two = ["x.safetensors.index.json", "y.safetensors.index.json", "x.safetensors"]
        expect(.baseAmbiguous, on: "y.safetensors.index.json", try folder(two))
        let failure = #expect(throws: Failure.self) { try Checkpoint(path: "/nowhere/at/all") }
        #expect(failure?.code == .notFound)
    }
}
