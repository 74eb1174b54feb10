import Adapters
import Checkpoints
import DeltaAlgebra
import Diagnostics
import Tensors
import Testing

/// What holds of updates whatever the method.
@Suite struct UpdateTests {
    static let sums = ["lora-llama", "lora-gpt2", "lora-embedding", "lora-parameters-transposed", "adalora", "loha"]

    /// The same bits whatever the blocks.
    @Test(arguments: sums + ["lora-dora", "oft", "boft", "fourierft", "miss-bat", "hra", "lokr", "shira"])
    func blocksDoNotMatter(_ name: String) throws {
        let golden = try Golden(name)
        var application = try Application(try MergedFixtures.adapter(name), base: golden.base)
        for rows in golden.tensors {
            application.block = 1
            let first = try application.merged(rows.target)
            application.block = 1000
            #expect(try application.merged(rows.target).map(\.bitPattern) == first.map(\.bitPattern))
        }
    }

    @Test(arguments: sums + ["vera", "lokr", "fourierft", "randlora", "vblora", "shira", "miss", "lora-lora-bias"])
    func nothingIsAddedWithTheWeightZero(_ name: String) throws {
        let golden = try Golden(name)
        let application = try Application(try MergedFixtures.adapter(name), base: golden.base, weight: 0)
        #expect(application.updates.updates.allSatisfy { $0.effect != .sum })
    }

    /// −1 and 1 add up to nothing, one after the other in one accumulator.
    @Test(arguments: ["lora-llama", "loha", "shira", "miss"]) func weightsMultiply(_ name: String) throws {
        let golden = try Golden(name)
        let adapter = try MergedFixtures.adapter(name)
        let once = try Application(adapter, base: golden.base)
        let back = try Application(adapter, base: golden.base, weight: -1)
        let twice = try Application(adapter, base: golden.base, weight: 2)
        for rows in golden.tensors {
            let change = try once.change(of: rows.target)
            #expect(try back.change(of: rows.target) == change.map { -$0 })
            #expect(try twice.change(of: rows.target) == change.map { 2 * $0 })
        }
    }

    @Test(arguments: ["oft", "boft", "hra", "ia3", "miss-bat"]) func someCannotBeWeighed(_ name: String) throws {
        let golden = try Golden(name)
        let application = try Application(try MergedFixtures.adapter(name), base: golden.base, weight: 0.5)
        #expect(application.updates.updates.isEmpty)
        #expect(!application.updates.refusals.isEmpty)
        for refusal in application.updates.refusals {
            #expect(refusal.failure.code == .notMergeable)
            #expect(!refusal.failure.hints.isEmpty)
        }
    }

    /// What is stored whole does not depend on the weight, and the user is told.
    @Test func wholeTensorsIgnoreTheWeight() throws {
        let adapter = try MergedFixtures.adapter("lora-modules-to-save")
        let application = try Application(adapter, base: "bert-classifier", weight: 0.5)
        #expect(application.updates.findings.map(\.code) == ["weight-ignored"])
        #expect(application.updates.updates.contains { $0.effect == .replace })
    }

    static let refused = [
        "lora-alora": "llama", "lora-replication": "llama", "lora-kasa": "llama", "lora-pissa": "llama",
        "lora-olora": "llama", "lora-ga": "llama", "prefix": "gpt2", "prompt": "llama", "p-tuning": "llama",
        "multitask-prompt": "llama", "adaption-prompt": "llama", "hira": "llama", "lora-lora-bias-biasless": "llama",
    ]

    @Test(arguments: refused) func refusalsSayWhatToDo(_ name: String, _ base: String) throws {
        let application = try Application(try MergedFixtures.adapter(name), base: base)
        #expect(application.updates.updates.isEmpty)
        #expect(!application.updates.refusals.isEmpty)
        for refusal in application.updates.refusals {
            #expect(refusal.failure.code == .notMergeable)
            #expect(refusal.failure.object != nil)
            #expect(!refusal.failure.hints.isEmpty)
        }
    }

    /// On the base that the initialization left behind such factors are an ordinary sum.
    @Test(arguments: ["lora-pissa", "lora-olora", "lora-ga", "lora-kasa"]) func residualBases(_ name: String) throws {
        let adapter = try MergedFixtures.adapter(name)
        let application = try Application(adapter, base: "llama", isResidual: true)
        #expect(application.updates.refusals.isEmpty)
        #expect(application.updates.updates.count == adapter.entries.count { $0.key.kind == .lora })
    }

    @Test func anotherBaseIsRefused() throws {
        let adapter = try MergedFixtures.adapter("lora-llama")
        let missing = try Application(adapter, base: "gpt2")
        #expect(missing.updates.updates.isEmpty)
        #expect(missing.updates.refusals.allSatisfy { $0.failure.code == .baseIncompatible })
        let updates = try AdapterUpdates(adapter) { _ in BaseTensor(dtype: .bf16, shape: [7, 9]) }
        #expect(updates.updates.isEmpty)
        #expect(updates.refusals.allSatisfy { $0.failure.code == .baseIncompatible })
    }

    @Test func quantizedBasesAreRefused() throws {
        let adapter = try MergedFixtures.adapter("lora-llama")
        let file = try MergedFixtures.base("llama")
        for dtype in [DType.u8, .i32, .f8e4m3] {
            let updates = try AdapterUpdates(adapter) { name in
                file.source(named: name).map { BaseTensor(dtype: dtype, shape: $0.shape) }
            }
            #expect(updates.updates.isEmpty)
            #expect(updates.refusals.count == adapter.entries.count { $0.key.kind == .lora })
            #expect(updates.refusals.allSatisfy { $0.failure.code == .baseIncompatible })
        }
    }

    /// The factors of several parameters of one module are told apart by their shapes, and refused where these are alike.
    @Test func namelessParameters() throws {
        let adapter = try MergedFixtures.adapter("lora-parameters-transposed")
        let application = try Application(adapter, base: "gpt-oss")
        let targets = Set(application.updates.updates.map(\.target))
        #expect(targets.contains("model.layers.0.mlp.experts.gate_up_proj"))
        #expect(targets.contains("model.layers.1.mlp.experts.down_proj"))
        let alike = try AdapterUpdates(adapter) { name in
            name.hasSuffix("_up_proj") || name.hasSuffix("down_proj")
                ? BaseTensor(dtype: .f32, shape: [4, 32, 48]) : nil
        }
        #expect(alike.refusals.contains { $0.failure.code == .notMergeable })
    }

    /// A checkpoint with the experts one by one gets an update for each of their matrices.
    @Test func separateExperts() throws {
        let adapter = try MergedFixtures.adapter("lora-parameters-experts")
        let application = try Application(adapter, base: "mixtral")
        #expect(application.updates.refusals.isEmpty)
        #expect(application.updates.updates.count == 2 * (4 * 3 + 1))
        #expect(Set(application.updates.updates.map(\.target)).count == application.updates.updates.count)
    }

    @Test func notFiniteWeight() throws {
        let failure = #expect(throws: Failure.self) {
            try AdapterUpdates(Adapter(method: "lora"), weight: .nan) { _ in nil }
        }
        #expect(failure?.code == .badParameter)
    }
}
