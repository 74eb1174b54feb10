import Adapters
import Checkpoints
import Diagnostics
import Files
import Generation
import Interchange
import JSON
import Kernels
import Testing
import Tokenization
import Training

/// What `transformers` generates with tiny models: `Fixtures/generation`.
struct GenerationFixture: Sendable, CustomTestStringConvertible {
    let name: String
    let base: String
    let adapters: [(name: String, weight: Double)]
    let prompt: [Int32]
    let promptText: String
    let ids: [Int32]
    let text: String

    var testDescription: String { name }

    private static let root = Paths.joined(
        Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures")

    static func trainingBase(_ name: String) throws -> Checkpoint {
        try Checkpoint(path: root + "/training/bases/" + name)
    }

    static func base(_ name: String) throws -> Checkpoint { try Checkpoint(path: root + "/generation/bases/" + name) }

    static func tokenizer(_ base: String) throws -> Tokenizer {
        try Tokenizer(path: root + "/generation/bases/" + base)
    }

    static func adapter(_ name: String, weight: Double = 1) throws -> AdapterInUse {
        AdapterInUse(name: name, try PEFTFolder.read(root + "/generation/adapters/" + name).adapter, weight: weight)
    }

    static let all: [GenerationFixture] = {
        let path = root + "/generation/expected.json"
        guard let file = try? InputFile(path: path), let bytes = try? file.read(at: 0, count: file.size),
            let document = try? JSONValue.parse(bytes, path: path)
        else { return [] }
        return (document.array ?? []).map { one in
            func ids(_ key: String) -> [Int32] { (one[key]?.array ?? []).compactMap { $0.int.map(Int32.init) } }
            return GenerationFixture(
                name: one["name"]?.string ?? "", base: one["base"]?.string ?? "",
                adapters: (one["adapters"]?.object?.members ?? []).map { ($0.key, $0.value.double ?? 0) },
                prompt: ids("promptIds"), promptText: one["prompt"]?.string ?? "", ids: ids("ids"),
                text: one["text"]?.string ?? "")
        }
    }()

    static func named(_ name: String) throws -> GenerationFixture {
        guard let one = all.first(where: { $0.name == name }) else { throw Failure(.internal, "no \(name)") }
        return one
    }

    /// What is generated of requests with the case's base and adapters.
    func generate(
        _ requests: [GenerationRequest], threads: Int = 2, cacheBytes: Int = 1 << 24, ends: Set<Int32>? = nil
    ) throws -> [GeneratedText] {
        let base = try Self.base(base)
        let engine = Engine<Float>(threads: threads)
        let networks = try AdaptedNetworks(base, engine)
        let tokenizer = try Self.tokenizer(self.base)
        let adapters = try adapters.map { try Self.adapter($0.name, weight: $0.weight) }
        let batch = BatchGeneration(
            networks, adapters, tokenizer, ends: try ends ?? TextEnd.ids(of: base, tokenizer), cacheBytes: cacheBytes)
        var results = [GeneratedText?](repeating: nil, count: requests.count)
        var streamed = [String](repeating: "", count: requests.count)
        try batch.run(
            requests.map { BatchGeneration.Item($0, adapters: Array(adapters.indices)) }, engine,
            onText: { (number, text) throws(Failure) in streamed[number] += text },
            onFinish: { (number, text) throws(Failure) in results[number] = text })
        let texts = results.compactMap(\.self)
        guard texts.count == requests.count, texts.map(\.text) == streamed else {
            throw Failure(.internal, "what was streamed is not what came")
        }
        return texts
    }
}
