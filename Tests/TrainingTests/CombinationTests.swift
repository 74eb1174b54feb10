import Adapters
import Diagnostics
import Insertions
import Kernels
import Layers
import Networks
import Support
import Testing
import Training

/// Methods together in one model: sites know nothing of who else is there.
@Suite struct CombinationTests {
    static let combinations = [
        [TinyCase("prefix", PrefixTuning()), TinyCase("prefix", PrefixTuning(), ["init_weights": "zero"])],
        [TinyCase("adaption prompt", AdaptionPrompt()), TinyCase("full", FullTuning())],
        [
            TinyCase("adaption prompt", AdaptionPrompt(), on: "qwen2", ["adapter_layers": 1]),
            TinyCase("bitfit", BitFit(), on: "qwen2"),
            TinyCase("prefix", PrefixTuning(), ["prefix_projection": true]),
        ],
        [
            TinyCase("lora", LoRA(), on: "mistral"), TinyCase("ia3", IA3()), TinyCase("prompt", PromptTuning()),
            TinyCase("prefix", PrefixTuning()), TinyCase("adaption prompt", AdaptionPrompt()),
            TinyCase("adaption prompt", AdaptionPrompt(), ["adapter_layers": 1]),
        ],
    ]

    private func insert<R: Real>(
        _ methods: [TinyCase], _ engine: Engine<R>
    ) throws -> (model: Network<R>, parameters: [Parameter<R>]) {
        let model = try Network<R>(of: Golden.checkpoint(methods[0].base), length: 64)
        var random = RepeatableRandom(seed: 30)
        var parameters: [Parameter<R>] = []
        for (place, one) in methods.enumerated() {
            var keys = one.parameters
            if keys["num_virtual_tokens"] != nil { keys["num_virtual_tokens"] = 3 }
            let plan = InsertionPlan(parameters: keys, seed: UInt64(place))
            parameters += try one.method.insert(plan, into: model.sites, engine).tensors.map(\.parameter)
        }
        // Away from the zeros that some begin with.
        for parameter in parameters {
            let value = parameter.value
            for row in 0..<value.rows {
                for column in 0..<value.columns {
                    value[row, column] += R(Double.random(in: -0.1...0.1, using: &random))
                }
            }
        }
        return (model, parameters)
    }

    @Test("gradients are slopes", arguments: combinations)
    func slope(_ methods: [TinyCase]) throws {
        let engine = Engine<Double>(threads: 1)
        let (model, parameters) = try insert(methods, engine)
        let batch = Golden.batch()
        func loss() -> Double { model.lossAndGradient(batch, scale: 1, engine).loss }
        _ = loss()
        let gradients = parameters.map { $0.gradient.values }
        var random = RepeatableRandom(seed: 31)
        let directions = gradients.map { $0.map { _ in Double.random(in: -1...1, using: &random) } }
        let expected = zip(gradients.joined(), directions.joined()).reduce(0) { $0 + $1.0 * $1.1 }
        let starts = parameters.map { $0.value.values }
        func loss(at place: Double) -> Double {
            for (index, parameter) in parameters.enumerated() {
                let moved = zip(starts[index], directions[index]).map { $0 + place * 1e-4 * $1 }
                parameter.value.copy(
                    from: Matrix(rows: parameter.value.rows, columns: parameter.value.columns, moved))
            }
            return loss()
        }
        let slope = (8 * (loss(at: 1) - loss(at: -1)) - (loss(at: 2) - loss(at: -2))) / (12 * 1e-4)
        let size = gradients.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(slope - expected) < 1e-7 * size, "\(slope) and \(expected)")
    }

    @Test("the same bits on any threads, checkpointed, and in any passes", arguments: combinations)
    func sameBits(_ methods: [TinyCase]) throws {
        let rows = TinyRun.rows(7, longest: 50, seed: 13)
        func gradients(threads: Int = 1, checkpoints: Bool = false, tokensPerPass: Int = 10_000) throws -> [[UInt32]] {
            let engine = Engine<Float>(threads: threads)
            let (model, parameters) = try insert(methods, engine)
            let batches = Packing.batches(of: rows, tokensPerPass: tokensPerPass)
            for (place, batch) in batches.enumerated() {
                _ = model.lossAndGradient(
                    batch, scale: 0.5, checkpoints: checkpoints, isLast: place == batches.count - 1, engine)
            }
            return parameters.map { $0.gradient.values.map(\.bitPattern) }
        }
        let alone = try gradients()
        #expect(try gradients(threads: 3) == alone)
        #expect(try gradients(checkpoints: true) == alone)
        #expect(try gradients(tokensPerPass: 60) == alone)
    }

    @Test("a prompt beside an output with a bias, which PEFT would add twice, is refused")
    func outputBias() throws {
        func linear(_ name: String, bias: Bool = false) -> Linear<Float> {
            func base(_ end: String, rows: Int) -> BaseParameter<Float> {
                BaseParameter(name: name + end, Weight(Matrix(rows: rows, columns: 4)))
            }
            return Linear(
                path: name, weight: base(".weight", rows: 4), bias: bias ? base(".bias", rows: 1) : nil)
        }
        let table = Matrix<Float>(rows: 4, columns: 2)
        let attention = SelfAttention(
            path: "self_attn", queryKeyValue: Projection([linear("q"), linear("k"), linear("v")]),
            output: Projection([linear("o", bias: true)]), shape: AttentionShape(heads: 1, keyHeads: 1, headSize: 4),
            rotary: RotaryTable(cosines: table, sines: table))
        let sites = Sites(
            projections: [], attentions: [attention], subLayers: [],
            embedding: Embedding(table: linear("embedding").weight), parameters: [], norms: [])
        let failure = #expect(throws: Failure.self) {
            try AdaptionPrompt().insert(
                InsertionPlan(parameters: AdaptionPrompt().standard), into: sites, Engine(threads: 1))
        }
        #expect(failure?.code == .usage && failure?.object == "o.bias")
    }
}
