import Adapters
import Insertions
import Kernels
import Layers
import Networks
import Support
import Testing
import Training

/// What methods do before and after attentions and MLPs.
@Suite struct SubLayerTests {
    /// Bottlenecks at some of the four sub-layers of a tiny base: the attention and the MLP of each block.
    struct Arrangement: Sendable, CustomTestStringConvertible {
        var base = "llama"
        let places: [(site: Int, Bottleneck<Double>.Place)]
        var lora: [String] = []

        var testDescription: String {
            "\(base): " + places.map { "\($0.site) \($0.1.rawValue)" }.joined(separator: ", ") + " \(lora)"
        }

        /// The model, and all that is trained in it.
        func insert<R: Real>(_ engine: Engine<R>) throws -> (model: Network<R>, parameters: [Parameter<R>]) {
            let model = try Network<R>(of: Golden.checkpoint(base), length: 64)
            var parameters: [Parameter<R>] = []
            for (site, place) in places {
                let chosen = model.sites.subLayers[site]
                let bottleneck = Bottleneck(chosen, Bottleneck<R>.Place(rawValue: place.rawValue) ?? .output)
                chosen.insert(bottleneck)
                parameters += bottleneck.parameters
            }
            if !lora.isEmpty {
                let plan = InsertionPlan(parameters: ["r": 2, "target_modules": .list(lora.map { .string($0) })])
                parameters += try LoRA().insert(plan, into: model.sites, engine).tensors.map(\.parameter)
            }
            return (model, parameters)
        }
    }

    static let arrangements =
        Bottleneck<Double>.Place.allCases.map { place in Arrangement(places: (0..<4).map { ($0, place) }) }
        + (0..<4).flatMap { site in
            Bottleneck<Double>.Place.allCases.map { Arrangement(places: [(site, $0)]) }
        } + [
            Arrangement(base: "mistral", places: [(0, .output), (0, .input), (1, .beside), (2, .input), (3, .output)]),
            Arrangement(base: "qwen2", places: [(1, .input), (1, .input), (1, .output), (1, .output), (1, .beside)]),
            Arrangement(places: [(2, .output), (3, .beside)], lora: ["o_proj", "k_proj", "down_proj"]),
            Arrangement(base: "qwen2", places: [(0, .beside), (3, .input)], lora: ["q_proj", "gate_proj"]),
        ]

    private func add(_ numbers: [Double], times factor: Double, to parameter: Parameter<Double>) {
        let value = parameter.value
        value.copy(
            from: Matrix(
                rows: value.rows, columns: value.columns, zip(value.values, numbers).map { $0 + factor * $1 }))
    }

    @Test("gradients are slopes", arguments: arrangements)
    func slope(_ one: Arrangement) throws {
        let engine = Engine<Double>(threads: 1)
        let (model, parameters) = try one.insert(engine)
        let batch = Golden.batch()
        func loss() -> Double { model.lossAndGradient(batch, scale: 1, engine).loss }
        _ = loss()
        let gradients = parameters.map { $0.gradient.values }
        var random = RepeatableRandom(seed: 8)
        let directions = gradients.map { $0.map { _ in Double.random(in: -1...1, using: &random) } }
        let expected = zip(gradients.joined(), directions.joined()).reduce(0) { $0 + $1.0 * $1.1 }
        let step = 3e-4
        func loss(at place: Double) -> Double {
            for (parameter, part) in zip(parameters, directions) { add(part, times: place * step, to: parameter) }
            defer {
                for (parameter, part) in zip(parameters, directions) { add(part, times: -place * step, to: parameter) }
            }
            return loss()
        }
        let slope = (8 * (loss(at: 1) - loss(at: -1)) - (loss(at: 2) - loss(at: -2))) / (12 * step)
        let size = gradients.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(size > 1e-2)
        #expect(abs(slope - expected) < 1e-7 * size, "\(slope) and \(expected)")
    }

    private func bits(_ parameters: [Parameter<Float>]) -> [[UInt32]] {
        parameters.map { $0.gradient.values.map(\.bitPattern) }
    }

    @Test("the same bits on any threads, checkpointed, and in any passes", arguments: arrangements)
    func sameBits(_ one: Arrangement) throws {
        let rows = TinyRun.rows(7, longest: 50, seed: 12)
        func gradients(threads: Int = 1, checkpoints: Bool = false, tokensPerPass: Int = 10_000) throws -> [[UInt32]] {
            let engine = Engine<Float>(threads: threads)
            let (model, parameters) = try one.insert(engine)
            let batches = Packing.batches(of: rows, tokensPerPass: tokensPerPass)
            for batch in batches {
                _ = model.lossAndGradient(batch, scale: 0.5, checkpoints: checkpoints, engine)
            }
            return bits(parameters)
        }
        let alone = try gradients()
        #expect(alone.joined().contains { $0 != 0 })
        #expect(try gradients(threads: 3) == alone)
        #expect(try gradients(checkpoints: true) == alone)
        #expect(try gradients(tokensPerPass: 60) == alone)
    }

    @Test("what adds nothing gives the base's logits", arguments: Bottleneck<Float>.Place.allCases)
    func beginsAtTheBase(_ place: Bottleneck<Float>.Place) throws {
        let engine = Engine<Float>(threads: 1)
        let base = try Network<Float>(of: Golden.checkpoint("llama"), length: 64)
        let model = try Network<Float>(of: Golden.checkpoint("llama"), length: 64)
        for site in model.sites.subLayers { site.insert(Bottleneck(site, place, startsAtZero: true)) }
        let expected = base.logits(Golden.batch(), engine).values
        let found = model.logits(Golden.batch(), engine).values
        // After an output the residual is added at the end, and not what the product begins with.
        if place == .input {
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
        } else {
            #expect(distance(found, expected.map(Double.init)) < 1e-6)
        }
    }

    @Test("below the lowest nothing is computed; what is above gets the same", arguments: 0..<4)
    func lowest(_ site: Int) throws {
        func gradients(_ sites: Range<Int>) throws -> [[UInt32]] {
            let engine = Engine<Float>(threads: 1)
            let model = try Network<Float>(of: Golden.checkpoint("llama"), length: 64)
            var last: [Parameter<Float>] = []
            for place in sites {
                let chosen = model.sites.subLayers[place]
                // Those below do nothing, so that what is above sees the same.
                let bottleneck = Bottleneck(chosen, .input, startsAtZero: place != site)
                chosen.insert(bottleneck)
                last = bottleneck.parameters
            }
            _ = model.lossAndGradient(Golden.batch(), scale: 1, engine)
            return bits(last)
        }
        let alone = try gradients(site..<site + 1)
        #expect(try gradients(0..<site + 1) == alone)
        #expect(alone.joined().contains { $0 != 0 })
    }

    @Test func paths() throws {
        let model = try Network<Float>(of: Golden.checkpoint("llama"), length: 64)
        #expect(
            model.sites.subLayers.map(\.path) == [
                "model.layers.0.self_attn", "model.layers.0.mlp", "model.layers.1.self_attn", "model.layers.1.mlp",
            ])
        #expect(model.sites.attentions.map(\.path) == ["model.layers.0.self_attn", "model.layers.1.self_attn"])
        #expect(model.sites.subLayers.allSatisfy { $0.width == 32 })
    }
}
