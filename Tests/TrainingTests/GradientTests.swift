import Adapters
import Insertions
import Kernels
import Layers
import Networks
import Support
import Testing
import Training

/// Gradients of whole models, against what they are gradients of.
@Suite struct GradientTests {
    /// ⟨g, v⟩ against the slope of the loss along v by four differences, whose error is of the fourth order.
    @Test(arguments: TinyCase.everywhere + TinyCase.normed)
    func slope(_ one: TinyCase) throws {
        let engine = Engine<Double>(threads: 1)
        let (model, inserted) = try one.insert(engine)
        var random = RepeatableRandom(seed: 5)
        func numbers(_ count: Int) -> [Double] { (0..<count).map { _ in Double.random(in: -1...1, using: &random) } }
        // Backward takes DoRA's norms for constants, so only its magnitudes can be checked so.
        let tensors = inserted.tensors.filter { one.name != "dora" || $0.role == .magnitude || $0.key.kind == .full }
        // Away from the zeros that some begin with.
        for tensor in inserted.tensors { add(numbers(count(tensor)), times: 0.05, to: tensor) }
        let batch = one.batch
        func loss() -> Double {
            inserted.parametersChanged()
            return model.lossAndGradient(batch, scale: 1, dropoutKey: 9, engine).loss + inserted.addLosses(engine)
        }
        _ = loss()
        let gradients = tensors.map { $0.parameter.gradient.values }
        let size = gradients.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        try #require(size > 1e-3)
        // Half the gradient's own direction, half any other.
        let other = gradients.map { numbers($0.count) }
        let otherSize = other.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        let direction = zip(gradients, other).map { zip($0, $1).map { $0 / size + $1 / otherSize } }
        let expected = zip(gradients.joined(), direction.joined()).reduce(0) { $0 + $1.0 * $1.1 }

        let step = 3e-4
        func loss(at place: Double) -> Double {
            for (tensor, part) in zip(tensors, direction) { add(part, times: place * step, to: tensor) }
            let loss = loss()
            for (tensor, part) in zip(tensors, direction) { add(part, times: -place * step, to: tensor) }
            return loss
        }
        let slope = (8 * (loss(at: 1) - loss(at: -1)) - (loss(at: 2) - loss(at: -2))) / (12 * step)
        #expect(abs(slope - expected) < 1e-7 * abs(expected), "\(slope) and \(expected)")
    }

    private func count(_ tensor: TrainedTensor<Double>) -> Int {
        tensor.parameter.value.rows * tensor.parameter.value.columns
    }

    private func add(_ numbers: [Double], times factor: Double, to tensor: TrainedTensor<Double>) {
        let value = tensor.parameter.value
        value.copy(
            from: Matrix(
                rows: value.rows, columns: value.columns, zip(value.values, numbers).map { $0 + factor * $1 }))
    }

    /// Below the lowest adapted layer nothing is computed; what is above gets the same all the same.
    @Test(
        arguments: [
            TinyCase("lora", LoRA(), ["r": 4]), TinyCase("lora", LoRA(), ["target_modules": ["o_proj"]]),
            TinyCase("lora", LoRA(), ["target_modules": ["down_proj"]]),
            TinyCase("lora", LoRA(), on: "mistral", ["target_modules": ["v_proj"]]),
            TinyCase("adaption prompt", AdaptionPrompt()),
        ])
    func lastLayer(_ one: TinyCase) throws {
        func gradients(_ one: TinyCase) throws -> [String: [UInt32]] {
            let engine = Engine<Float>(threads: 1)
            let (model, inserted) = try one.insert(engine)
            _ = model.lossAndGradient(Golden.batch(), scale: 1, engine)
            let pairs = inserted.tensors.map { tensor in
                ("\(tensor.key) \(tensor.role.word)", tensor.parameter.gradient.values.map(\.bitPattern))
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
        var parameters = one.parameters
        if one.method is AdaptionPrompt {
            // Gates that are zero let through what is below as it is.
            parameters["adapter_layers"] = 1
        } else {
            parameters["layers_to_transform"] = [1]
        }
        let all = try gradients(one)
        let last = try gradients(TinyCase(one.name, one.method, on: one.base, parameters))
        #expect(last.count * 2 == all.count)
        for (name, gradient) in last { #expect(gradient == all[name], "\(name)") }
        #expect(last.values.joined().contains { $0 != 0 })
    }

    /// Where rows lie in a pass changes nothing for them.
    @Test(arguments: TinyCase.bases)
    func packed(_ base: String) throws {
        let engine = Engine<Float>(threads: 2)
        let model = try Network<Float>(of: Golden.checkpoint(base), length: 64)
        let rows = TinyRun.rows(9, longest: 60, seed: 4)
        let batch = try #require(Packing.batches(of: rows, tokensPerPass: 10_000).first)
        let together = model.logits(batch, engine)
        var loss = 0.0
        for (row, segment) in zip(rows, batch.segments) {
            let own = try #require(Packing.batches(of: [row], tokensPerPass: 1).first)
            #expect(together.rows(segment).values == model.logits(own, engine).values)
            loss += model.loss(own, engine).loss
        }
        #expect(abs(model.loss(batch, engine).loss - loss) < 1e-6 * loss)
    }

    /// Through two layers with a window of 5 a token reaches the eight after it, and no more.
    @Test func slidingWindow() throws {
        let engine = Engine<Float>(threads: 1)
        func logits(_ base: String, first: Int32) throws -> Matrix<Float> {
            let ids = [first] + (1..<20).map { Int32($0 * 11 % 97) }
            let model = try Network<Float>(of: Golden.checkpoint(base), length: 64)
            let row = Row(inputs: ids, labels: ids, line: 1)
            return model.logits(Packing.batches(of: [row], tokensPerPass: 1)[0], engine)
        }
        for (base, reach) in [("mistral", 8), ("llama", 19)] {
            let (a, b) = (try logits(base, first: 3), try logits(base, first: 4))
            for place in 0..<20 {
                #expect((a.rows(place..<place + 1).values != b.rows(place..<place + 1).values) == (place <= reach))
            }
        }
    }
}
