import Files
import JSON
import Support
import Testing

@Suite("Lossy packing")
struct LossyTests {
    private static let weights = "adapter_model.safetensors"

    /// The tensors of the adapter file before and after, and the document of `pack`.
    private func roundTrip(
        _ source: String, _ options: [String], in place: TemporaryFolder
    ) throws -> (before: Checkpoint, after: Checkpoint, document: JSONValue) {
        let run = try runTool(["pack", source, "-o", place("a.tenon"), "--json"] + options)
        try #require(run.status == 0, "\(run.errors)")
        let verify = try runTool(["verify", place("a.tenon")])
        #expect(verify.status == 0, "\(verify.errors)")
        let unpack = try runTool(["unpack", place("a.tenon"), "-o", place("out")])
        try #require(unpack.status == 0, "\(unpack.errors)")
        return (
            try Checkpoint(Paths.joined(source, Self.weights)), try Checkpoint(place("out/" + Self.weights)),
            try document(run)
        )
    }

    private static let ways = [
        ["--quantize", "int8"], ["--quantize", "nf4"], ["--dtype", "bf16"], ["--dtype", "f16"],
        ["--dtype", "bf16", "--quantize", "nf4"],
    ]

    @Test("the error that is printed is the one that comes out", arguments: ways, ["lora-llama", "vera", "ia3", "lora-bf16"])
    func errors(options: [String], name: String) throws {
        try inFolder { place in
            let (before, after, document) = try roundTrip(Fixtures.path(name), options, in: place)
            #expect(before.tensors.keys.sorted() == after.tensors.keys.sorted())
            var measured: [Double] = []
            for (key, tensor) in before.tensors {
                let result = try #require(after.tensors[key])
                #expect(result.shape == tensor.shape)
                if result == tensor { continue }
                let error = relativeError(of: result.floats, against: tensor.floats)
                #expect(error < (options.contains("nf4") ? 0.2 : 0.02), "\(key)")
                measured.append(error)
            }
            let losses = try #require(document["losses"]?.array)
            let printed = losses.compactMap { $0["relativeError"]?.double }.filter { $0 > 0 }.sorted()
            #expect(losses.allSatisfy { $0["tensor"]?.string != nil && $0["largestError"]?.double != nil })
            measured = measured.filter { $0 > 0 }.sorted()
            #expect(printed.count == measured.count)
            for (a, b) in zip(printed, measured) { #expect(abs(a - b) <= 1e-6 * b, "\(a) \(b)") }
        }
    }

    @Test("causes add up to what was saved", arguments: ways + [[], ["--compression", "max"]])
    func causes(options: [String]) throws {
        try inFolder { place in
            try SyntheticAdapter.make(at: place("in"), byteCount: 1 << 20, tensorBytes: 1 << 16)
            let (_, _, document) = try roundTrip(place("in"), options, in: place)
            let logical = try #require(document["logicalBytes"]?.int)
            let stored = try #require(document["storedBytes"]?.int)
            let causes = try #require(document["byCause"]?.object?.members)
            #expect(causes.reduce(0) { $0 + ($1.value.int ?? .min) } == logical - stored)
            #expect((document["byCause"]?["dtype"]?.int != 0) == options.contains("--dtype"))
            #expect((document["byCause"]?["quantization"]?.int != 0) == options.contains("--quantize"))
            #expect((document["losses"]?.array?.isEmpty == true) == (options.isEmpty || options.contains("max")))
            let share = options.contains("nf4") ? 0.16 : options.contains("int8") ? 0.29 : 1
            #expect(Double(stored) < Double(logical) * share)
        }
    }

    @Test("people are told tensor by tensor, and again that nothing is lost by default")
    func printed() throws {
        try inFolder { place in
            let run = try runTool(["pack", Fixtures.path("lora-llama"), "-o", place("a.tenon"), "--quantize", "nf4"])
            let lines = run.output.split(separator: "\n").filter { $0.contains("relative error") }
            #expect(lines.count == 28)
            #expect(lines.allSatisfy { $0.contains(/relative error \d\.\d\de-\d\d, largest \d\.\d\de[-+]\d\d$/) }, "\(lines)")
            let plain = try runTool(["pack", Fixtures.path("lora-llama"), "-o", place("b.tenon")])
            #expect(!plain.output.contains("error"))
        }
    }

    @Test("what is quantized already is a float again for other tools", arguments: ["vllm", "safetensors"])
    func exports(format: String) throws {
        try inFolder { place in
            let pack = try runTool(["pack", Fixtures.path("lora-llama"), "-o", place("a.tenon"), "--quantize", "int8"])
            #expect(pack.status == 0)
            let run = try runTool(["unpack", place("a.tenon"), "-o", place("out"), "--format", format])
            #expect(run.status == 0, "\(run.errors)")
            let path = format == "vllm" ? place("out/" + Self.weights) : place("out")
            #expect(try Checkpoint(path).tensors.values.allSatisfy { $0.dtype == "F32" })
        }
    }
}
