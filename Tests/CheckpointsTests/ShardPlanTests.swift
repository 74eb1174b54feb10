import Checkpoints
import Diagnostics
import Digests
import Files
import Parallelism
import Support
import Tensors
import Testing

@Suite("Plans of shards") struct ShardPlanTests {
    private static func samples() throws -> [Sample] {
        let all: [(String, DType, Shape)] = [
            ("z.weight", .f32, [40]), ("a.weight", .f16, [100]), ("big", .f32, [300]), ("b", .u8, [50]),
            ("empty", .f16, [0, 4]), ("c", .bf16, [10, 10]), ("d", .f32, []), ("\u{E9}", .u8, [150]),
        ]
        return try all.enumerated().map { try Sample($1.0, $1.1, $1.2, seed: $0) }
    }

    private static func descriptions(_ samples: [Sample]) -> [ShardPlan.Description] {
        samples.map { ($0.name, $0.buffer.dtype, $0.buffer.shape) }
    }

    /// Writes a plan's files as the folder `path`.
    private static func write(_ plan: ShardPlan, _ samples: [Sample], to path: String)
        throws
    {
        let output = try OutputFolder.create(at: path, replacing: false, durability: .none)
        try CheckpointWriter.write(plan, sources: samples.map(\.buffer), to: output, lanes: Lanes(count: 2))
        try output.commit()
    }

    /// Of what `split_torch_state_dict_into_shards` (huggingface_hub 2.4), `save_file` (safetensors 0.8) and
    /// `json.dumps` of Python made of the same tensors with 400 bytes a shard.
    private static let digests = [
        "model-00001-of-00004.safetensors": "e16e7f8b62b5874a84bd01a990d8a5246d15a7a3c31054ae3b266f8ef08808ed",
        "model-00002-of-00004.safetensors": "e7731f982fda14410559dfac04242003680bffe2790bd3cc9b79d9c2978ef1df",
        "model-00003-of-00004.safetensors": "949e64984be821fa502a26f784b4027729380d1160f84d23925740017288d503",
        "model-00004-of-00004.safetensors": "64d10e1f8a07535757059d601200848e1cefe7bab6d248368cea55cdfa7dccf4",
        "model.safetensors.index.json": "5194fbf7bcce8bc3f6fbde4692373f9c0e70048e320b70337aa79bab5991e3f0",
    ]

    @Test("give the bytes that Hugging Face's libraries write")
    func golden() throws {
        let folder = try TemporaryFolder()
        let samples = try Self.samples()
        let plan = try ShardPlan(Self.descriptions(samples), maximumShardByteCount: 400)
        try Self.write(plan, samples, to: folder("out"))
        let entries = try Folder.entries(of: folder("out"))
        #expect(Set(entries.map(\.name)) == Set(Self.digests.keys))
        #expect(entries.reduce(0) { $0 + $1.size } == plan.byteCount)
        for (name, digest) in Self.digests {
            #expect(try SHA256.hash(contents(of: folder("out/\(name)"))).description == digest, "\(name)")
        }
        for file in plan.files {
            let header = try SafetensorsHeader(of: InputFile(path: folder("out/\(file.name)")))
            for (number, start) in zip(file.tensors, file.starts) {
                let tensor = try #require(header.index(of: samples[number].name).map { header.tensors[$0] })
                #expect(tensor.range.lowerBound == start)
            }
        }
    }

    @Test("of what fits into one file have no index")
    func single() throws {
        let samples = try Self.samples()
        let plan = try ShardPlan(Self.descriptions(samples))
        #expect(plan.files.map(\.name) == ["model.safetensors"] && plan.index == nil)
        #expect(plan.files[0].tensors.count == samples.count)
        let none = try ShardPlan([])
        #expect(none.files.map(\.name) == ["model.safetensors"] && none.byteCount == none.files[0].headerBytes.count)
    }

    @Test(
        "keep each tensor once, in shards no larger than asked, at any size",
        arguments: [1, 49, 50, 160, 1964, 1 << 40])
    func sizes(limit: Int) throws {
        let samples = try Self.samples()
        let plan = try ShardPlan(Self.descriptions(samples), maximumShardByteCount: limit)
        #expect(plan.files.flatMap(\.tensors).sorted() == Array(samples.indices))
        for file in plan.files {
            let held = file.byteCount - file.headerBytes.count
            #expect(held <= limit || file.tensors.count == 1)
        }
    }

    // MARK: After another checkpoint

    /// Two shards and an index in unusual words, and two files beside them.
    private func model(in folder: TemporaryFolder) throws -> (Checkpoint, [Sample]) {
        let samples = try Self.samples()
        try Folder.make(folder("in"))
        try folder.write(try weights(samples.suffix(5), metadata: [("x", "y")]), to: "in/2.safetensors")
        let (a, b) = (samples[0], samples[1])
        let text = """
            {"a.weight" : {"dtype":"F16","shape":[100],"data_offsets":[0,200]},  "z.weight":{"dtype":"F32","shape":[40],
            "data_offsets":[200,360]}}
            """
        try folder.write(Array(file(text)) + b.buffer.bytes + a.buffer.bytes, to: "in/1.safetensors")
        let map = samples.enumerated().filter { $0.offset != 2 }.map {
            ($0.element.name, $0.offset < 2 ? "1.safetensors" : "2.safetensors")
        }
        try folder.write(index(map), to: "in/model.safetensors.index.json")
        try folder.write(Array("{}".utf8), to: "in/config.json")
        try folder.write([UInt8](repeating: 7, count: 3_000_000), to: "in/tokenizer.json")
        return (try Checkpoint(path: folder("in")), samples.enumerated().filter { $0.offset != 2 }.map(\.element))
    }

    @Test("after a checkpoint of the same tensors give it back byte for byte")
    func verbatim() throws {
        let folder = try TemporaryFolder()
        let (model, samples) = try model(in: folder)
        let shuffled = Array(samples.reversed())
        let plan = try ShardPlan(Self.descriptions(shuffled), following: model)
        try Self.write(plan, shuffled, to: folder("out"))
        let names = ["1.safetensors", "2.safetensors", "model.safetensors.index.json"]
        #expect(try Folder.entries(of: folder("out")).map(\.name) == names)
        for name in names { #expect(try contents(of: folder("out/\(name)")) == contents(of: folder("in/\(name)"))) }
    }

    @Test("keep the shards that stay as they are, and make anew those that do not")
    func changed() throws {
        let folder = try TemporaryFolder()
        let (model, samples) = try model(in: folder)
        // One tensor of the second shard in another type and shape, one gone, one new.
        var tuned = samples.filter { $0.name != "b" }
        tuned[2] = try Sample("empty", .f32, [2, 2], seed: 1)
        tuned.append(try Sample("new", .u8, [5]))
        let plan = try ShardPlan(Self.descriptions(tuned), following: model)
        #expect(plan.files.map(\.name) == ["1.safetensors", "2.safetensors"])
        try Self.write(plan, tuned, to: folder("out"))
        #expect(try contents(of: folder("out/1.safetensors")) == contents(of: folder("in/1.safetensors")))
        let found = try Checkpoint(path: folder("out"))
        #expect(found.findings.isEmpty && found.shards[1].file.header.metadata?.first?.key == "x")
        #expect(Set(found.tensors.map(\.name)) == Set(tuned.map(\.name)))
        for sample in tuned { #expect(try found[sample.name]?.source.readAll() == sample.buffer.bytes) }

        // Without the tensors of a shard it goes, and the index says so.
        let rest = try ShardPlan(Self.descriptions(Array(samples.dropFirst(2))), following: model)
        #expect(
            rest.files.map(\.name) == ["2.safetensors"]
                && rest.files[0].headerBytes == model.shards[1].file.header.bytes)
        #expect(rest.index.map { String(decoding: $0.bytes, as: UTF8.self).contains("1.safetensors") } == false)
    }

    @Test("refuse names that come twice, types that safetensors does not know, and more bytes than there can be")
    func refused() throws {
        let vast: [ShardPlan.Description] = [("a", .u8, [1 << 62]), ("b", .u8, [1 << 62]), ("c", .u8, [1 << 62])]
        let twice: [ShardPlan.Description] = [("a.weight", .f16, [100]), ("a.weight", .f16, [100])]
        let folder = try TemporaryFolder()
        let (model, _) = try model(in: folder)
        for tensors in [vast, twice, [("a", .nf4, [2])]] {
            #expect(throws: Failure.self) { try ShardPlan(tensors) }
            #expect(throws: Failure.self) { try ShardPlan(tensors, following: model) }
        }
    }
}
