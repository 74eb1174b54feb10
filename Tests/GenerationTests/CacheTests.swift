import Adapters
import Diagnostics
import Insertions
import Kernels
import Layers
import Networks
import Support
import Testing

/// What a model makes of rows that go through it piece by piece.
@Suite("Keys and values that are kept")
struct CacheTests {
    /// A method that leaves another trace in a model each.
    struct Case: Sendable, CustomTestStringConvertible {
        let base: String
        let method: any TrainableMethod
        let parameters: Parameters

        init(_ base: String, _ method: any TrainableMethod, _ parameters: Parameters) {
            self.base = base
            self.method = method
            self.parameters = parameters
        }

        var testDescription: String { "\(method.word) on \(base)" }

        static let all =
            ["llama", "qwen2", "llama3-rope", "mistral"].flatMap { base in
                [
                    Case(base, LoRA(), ["r": 4, "target_modules": "all-linear"]),
                    Case(base, PromptTuning(), ["num_virtual_tokens": 3]),
                    Case(base, PrefixTuning(), ["num_virtual_tokens": 4]),
                    Case(base, IA3(), IA3().standard),
                ]
            } + [
                Case("llama", AdaptionPrompt(), ["adapter_len": 3]),
                Case("gpt2", LoRA(), ["r": 3, "target_modules": "all-linear"]),
                Case("llama-tied", FullTuning(), FullTuning().standard),
            ]

        func network(_ engine: Engine<Float>) throws -> Network<Float> {
            let network = try Network<Float>(of: GenerationFixture.trainingBase(base), length: 64)
            let inserted = try method.insert(
                InsertionPlan(parameters: parameters, seed: 7), into: network.sites, engine)
            // Factors and gates that begin at zero would hide what they do.
            var random = RepeatableRandom(seed: 5)
            for tensor in inserted.tensors where method.word != "full" {
                let value = tensor.parameter.value
                for row in 0..<value.rows {
                    for column in 0..<value.columns {
                        value[row, column] += Float.random(in: -0.2...0.2, using: &random)
                    }
                }
            }
            inserted.parametersChanged()
            return network
        }
    }

    @Test("give every token the scores of a whole pass, bit for bit", arguments: Case.all)
    func wholePass(one: Case) throws {
        let engine = Engine<Float>(threads: 2)
        let network = try one.network(engine)
        var random = RepeatableRandom(seed: 11)
        let rows = [30, 17, 1].map { count in (0..<count).map { _ in Int32.random(in: 0..<97, using: &random) } }
        let cache = network.cache(places: 3, length: 40, engine)
        var done = [0, 0, 0]
        while done != rows.map(\.count) {
            // Rows in another order each time, and pieces of other lengths.
            let active = [0, 1, 2].filter { done[$0] < rows[$0].count }.shuffled(using: &random)
            let pieces = active.map { row in
                let end = min(rows[row].count, done[row] + Int.random(in: 1...7, using: &random))
                return CachedRow(place: row, tokens: Array(rows[row][done[row]..<end]))
            }
            let scores = network.nextLogits(pieces, cache, engine)
            for (place, piece) in pieces.enumerated() {
                done[piece.place] += piece.tokens.count
                let prefix = Array(rows[piece.place].prefix(done[piece.place]))
                #expect(scores.rows(place..<place + 1).values == whole(prefix, network, engine))
            }
        }
    }

    @Test("a place can be used again, and holds no trace of the row before")
    func again() throws {
        let engine = Engine<Float>(threads: 1)
        let network = try Case.all[0].network(engine)
        let cache = network.cache(places: 1, length: 20, engine)
        for seed: UInt64 in 1...3 {
            cache.clear(0)
            var random = RepeatableRandom(seed: seed)
            let row = (0..<12).map { _ in Int32.random(in: 0..<97, using: &random) }
            for token in row.dropLast() {
                _ = network.nextLogits([CachedRow(place: 0, tokens: [token])], cache, engine)
            }
            let scores = network.nextLogits([CachedRow(place: 0, tokens: [row[11]])], cache, engine)
            #expect(scores.values == whole(row, network, engine))
        }
    }

    /// The scores of what follows a row, by a pass over all of it.
    private func whole(_ tokens: [Int32], _ network: Network<Float>, _ engine: Engine<Float>) -> [Float] {
        let batch = Batch(
            tokens: tokens, labels: tokens.map { _ in Batch.ignored }, positions: Array(0..<Int32(tokens.count)),
            segments: [0..<tokens.count])
        let logits = network.logits(batch, engine)
        return logits.rows(logits.rows - 1..<logits.rows).values
    }
}
