import Adapters
import Checkpoints
import Diagnostics
import Files
import Insertions
import JSON
import Kernels
import Layers
import Networks
import Parallelism
import Support
import Testing
import Training

/// What must not change a bit of a result, and does not.
@Suite struct RepeatabilityTests {
    private func bits(_ matrix: Matrix<Float>) -> [UInt32] { matrix.values.map(\.bitPattern) }

    /// Enough rows that threads share out every kernel.
    private func train(_ run: TinyRun) throws -> [TrainingMetrics] { try run.train(1...3, rows: 12, longest: 60) }

    @Test("one thread, two or five", arguments: TinyCase.all)
    func threads(_ one: TinyCase) throws {
        let alone = try TinyRun(one)
        let metrics = try train(alone)
        for threads in [2, 5] {
            let run = try TinyRun(one, threads: threads)
            #expect(try train(run) == metrics)
            #expect(run.bits == alone.bits)
        }
    }

    @Test("a batch in one pass, in some, or row by row", arguments: TinyCase.all)
    func passes(_ one: TinyCase) throws {
        let whole = try TinyRun(one, tokensPerPass: 10_000)
        let metrics = try train(whole)
        for tokens in [1, 7, 100] {
            let run = try TinyRun(one, tokensPerPass: tokens)
            let own = try train(run)
            #expect(own.map(\.gradientNorm) == metrics.map(\.gradientNorm), "\(tokens)")
            // The losses of passes are added up in fp64.
            for (a, b) in zip(own, metrics) { #expect(abs(a.loss - b.loss) < 1e-12 * b.loss) }
            #expect(run.bits == whole.bits, "\(tokens)")
        }
    }

    @Test("blocks that compute what they did not keep", arguments: TinyCase.all)
    func checkpoints(_ one: TinyCase) throws {
        let kept = try TinyRun(one)
        let metrics = try train(kept)
        let run = try TinyRun(one, checkpoints: true)
        #expect(try train(run) == metrics)
        #expect(run.bits == kept.bits)
    }

    private static let identity: RunIdentity = {
        var parts = JSONObject()
        parts["--seed"] = 3
        parts["--method"] = "lora"
        return RunIdentity(parts)
    }()

    @Test("saved, and gone on from in another process", arguments: TinyCase.all)
    func resumed(_ one: TinyCase) throws {
        let place = try TemporaryFolder()
        let whole = try TinyRun(one)
        try whole.train(1...3)
        let path = place("state.safetensors")
        var state = TrainingState(of: Self.identity)
        state.step = 3
        state.best = (2, Evaluation(loss: 4.5, count: 7, metrics: [.accuracy: 0.25]))
        let values = whole.inserted.tensors.map { tensor in
            let value = tensor.parameter.value
            let matrix = Matrix<Float>(rows: value.rows, columns: value.columns)
            matrix.fill(Float(value.columns))
            return matrix
        }
        try state.save(
            whole.inserted, whole.trainer.optimizer, best: values, at: path, lanes: Lanes(count: 1))
        try whole.train(4...6)

        let resumed = try TinyRun(one)
        try resumed.train(1...1)
        let (read, readBest) = try TrainingState.resume(
            from: path, of: Self.identity, resumed.inserted, resumed.trainer.optimizer)
        resumed.inserted.parametersChanged()
        #expect(read.step == 3)
        #expect(read.best?.step == 2 && read.best?.evaluation == state.best?.evaluation)
        #expect(readBest?.map(bits) == values.map(bits))
        try resumed.train(4...6)
        #expect(resumed.bits == whole.bits)
    }

    @Test("tensors that lie anywhere in their file", arguments: 1...4)
    func places(padding: Int) throws {
        let place = try TemporaryFolder()
        let base = try Golden.checkpoint("llama")
        try place.write(contents(of: Paths.joined(base.folder, "config.json")), to: "config.json")
        var bytes = try contents(of: Paths.joined(base.folder, "model.safetensors"))
        let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
        bytes.insert(contentsOf: [UInt8](repeating: UInt8(ascii: " "), count: padding), at: 8 + length)
        for byte in 0..<8 { bytes[byte] = UInt8(truncatingIfNeeded: (length + padding) >> (8 * byte)) }
        try place.write(bytes, to: "model.safetensors")
        let engine = Engine<Float>(threads: 1)
        let moved = try Network<Float>(of: Checkpoint(path: place.path), length: 64).logits(Golden.batch(), engine)
        #expect(try bits(moved) == bits(logits(nil, on: "llama")))
    }

    @Test("a state of another run is refused, and the file stays")
    func otherRun() throws {
        let place = try TemporaryFolder()
        let run = try TinyRun(TinyCase.all[0])
        let path = place("state.safetensors")
        try TrainingState(of: Self.identity).save(
            run.inserted, run.trainer.optimizer, best: nil, at: path, lanes: Lanes(count: 1))
        var other = JSONObject()
        other["--seed"] = 4
        let failure = #expect(throws: Failure.self) {
            try TrainingState.resume(from: path, of: RunIdentity(other), run.inserted, run.trainer.optimizer)
        }
        #expect(failure?.code == .resumeMismatch)
        #expect(failure?.expected == "--seed 3, --method lora" && failure?.actual == "--seed 4, --method (none)")
        #expect(try place.names() == ["state.safetensors"])
    }

    // MARK: Adapters that do nothing yet

    private func logits(_ one: TinyCase?, on base: String, threads: Int = 1) throws -> Matrix<Float> {
        let engine = Engine<Float>(threads: threads)
        guard let one else {
            return try Network<Float>(of: Golden.checkpoint(base), length: 64).logits(Golden.batch(), engine)
        }
        return try one.insert(engine).network.logits(Golden.batch(), engine)
    }

    @Test(
        "a new adapter gives the base's logits to the bit",
        arguments: [
            TinyCase("lora", LoRA()), TinyCase("lora", LoRA(), on: "qwen2", ["bias": "all"]), .dropout,
            TinyCase("rslora", LoRA(), on: "mistral", ["use_rslora": true]), TinyCase("ia3", IA3()),
            .eva, .adalora, .shira, TinyCase("ln-tuning", LNTuning()),
            TinyCase("adaption prompt", AdaptionPrompt()),
            TinyCase("adaption prompt", AdaptionPrompt(), on: "qwen2", ["adapter_layers": 1]),
            TinyCase("bitfit", BitFit(), on: "qwen2"), TinyCase("full", FullTuning(), on: "llama-tied"),
        ])
    func beginsAtTheBase(_ one: TinyCase) throws {
        #expect(try bits(logits(one, on: one.base)) == bits(logits(nil, on: one.base)))
    }

    /// DoRA divides by norms and multiplies by them, PiSSA subtracts what it adds; where IA3 scales an output, the bias is added after the product
    /// instead of before it.
    @Test("or to rounding", arguments: [.dora, .pissa, TinyCase("ia3", IA3(), on: "qwen2")])
    func beginsNearTheBase(_ one: TinyCase) throws {
        let base = try logits(nil, on: one.base)
        #expect(distance(try logits(one, on: one.base).values, base.values.map(Double.init)) < 1e-6)
    }
}
