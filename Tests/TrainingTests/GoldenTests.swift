import Adapters
import Insertions
import Kernels
import Layers
import Networks
import Testing
import Training

/// The same numbers as PyTorch and PEFT, in fp64 and in fp32.
struct GoldenTests {
    @Test(arguments: Golden.all.map(\.name))
    func logitsLossAndGradients(_ name: String) throws {
        try compare(name, Double.self, limit: 1e-9)
        try compare(name, Float.self, limit: 1e-5)
    }

    private func compare<R: Real>(_ name: String, _ type: R.Type, limit: Double) throws {
        let golden = try #require(Golden.all.first { $0.name == name })
        let file = try golden.file()
        let engine = Engine<R>(threads: 2)
        let (model, inserted) = try golden.model(engine)
        for row in Golden.rows.indices {
            let logits = model.logits(Golden.batch([row]), engine)
            let own = logits.rows(model.virtualTokens..<logits.rows).values
            #expect(distance(own, try #require(try file.doubles("logits.\(row)"))) < limit)
        }
        let batch = Golden.batch()
        let loss = model.lossAndGradient(batch, scale: 1 / R(batch.labeled.count), engine)
        let expected = try #require(try file.doubles("loss")?.first)
        #expect(abs(loss.mean - expected) < limit * expected)
        for tensor in inserted.tensors {
            guard let gradient = try tensor.names.lazy.compactMap({ try file.doubles("grad." + $0) }).first else {
                #expect(golden.trained == "everything" || golden.trained == "nothing", "no gradient of \(tensor.key)")
                continue
            }
            #expect(
                distance(tensor.parameter.gradient.values, gradient) < limit,
                "\(R.self) \(tensor.key) \(tensor.role.word)")
        }
    }

    @Test(arguments: Golden.all.filter { $0.trained != "nothing" }.map(\.name))
    func fiveSteps(_ name: String) throws {
        let golden = try #require(Golden.all.first { $0.name == name })
        let file = try golden.file()
        let losses = try #require(try file.doubles("losses"))
        let engine = Engine<Float>(threads: 2)
        let (model, inserted) = try golden.model(engine)
        let optimizer = Optimizer(inserted.tensors, engine)
        let batch = Golden.batch()
        for step in 1...5 {
            let loss = model.lossAndGradient(batch, scale: 1 / Float(batch.labeled.count), engine)
            #expect(abs(loss.mean - losses[step - 1]) < 1e-4)
            optimizer.step(step, AdamW(learningRate: golden.learningRate))
            for insertion in inserted.insertions { insertion.parametersChanged() }
        }
        #expect(abs(model.loss(batch, engine).mean - losses[5]) < 1e-4)
        for tensor in inserted.tensors {
            guard let after = try tensor.names.lazy.compactMap({ try file.doubles("after." + $0) }).first else {
                continue
            }
            // The bias of keys moves all scores of a row alike but for the turn by positions: its gradient is what is left
            // of a sum that cancels, and AdamW divides rounding by rounding there.
            let limit = tensor.key.target.hasSuffix("k_proj.bias") ? 2e-3 : 1e-5
            #expect(distance(tensor.parameter.value.values, after) < limit, "\(tensor.key) \(tensor.role.word)")
        }
    }
}
