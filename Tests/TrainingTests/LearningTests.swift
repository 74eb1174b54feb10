import Adapters
import Architectures
import Checkpoints
import DeltaFormat
import Diagnostics
import Digests
import Files
import Insertions
import Kernels
import Parallelism
import Support
import Testing
import Training

/// Whole runs on tiny bases.
@Suite struct LearningTests {
    /// Eight rows by heart. The tiny bases' heads are too small for a loss near zero, whatever they are given, so the
    /// norm before it is made eight times as large.
    @Test func overfits() throws {
        let place = try TemporaryFolder()
        let base = try Golden.checkpoint("llama")
        for name in ["config.json", "model.safetensors"] {
            var bytes = try contents(of: Paths.joined(base.folder, name))
            if name == "model.safetensors" {
                let range = try #require(base["model.norm.weight"]).source.tensor.range
                let eight: [UInt8] = [0, 0, 0, 0x41]
                bytes.replaceSubrange(range, with: (0..<range.count / 4).flatMap { _ in eight })
            }
            try place.write(bytes, to: name)
        }
        let one = TinyCase("lora", LoRA(), ["r": 16, "lora_alpha": 16])
        let run = try TinyRun(one, on: try Checkpoint(path: place.path), threads: 2, rate: 5e-3)
        // What begins alike could not be told apart.
        let rows = TinyRun.rows(8, longest: 8, seed: 21).map { row in
            let ids = [Int32(row.line)] + row.inputs.dropFirst()
            return Row(inputs: ids, labels: ids, line: row.line)
        }
        var loss = Double.infinity
        var step = 0
        while loss >= 0.01, step < 300 {
            step += 1
            loss = try run.trainer.step(step, on: rows).loss
        }
        #expect(loss < 0.01, "after \(step) steps")
    }

    @Test func divergenceNamesTheLines() throws {
        let run = try TinyRun(TinyCase.all[0], rate: 1e30)
        let rows = TinyRun.rows(3, longest: 9, seed: 2)
        _ = try run.trainer.step(1, on: rows)
        let before = run.bits
        let failure = #expect(throws: Failure.self) { try run.trainer.step(2, on: rows) }
        #expect(failure?.code == .notFinite)
        #expect(failure?.object == "lines 1, 2, 3 of the training data")
        #expect(failure?.what.contains("step 2") == true)
        #expect(run.bits == before)
    }

    // MARK: Jobs

    private func job(
        _ place: TemporaryFolder, valid: [Row] = [], _ change: (inout TrainingOptions) -> Void
    ) throws -> TrainingJob {
        let base = try Golden.checkpoint("llama")
        try place.write(lines(TinyRun.rows(8, longest: 12, seed: 6)), to: "train.jsonl")
        if !valid.isEmpty { try place.write(lines(valid), to: "valid.jsonl") }
        let architecture = try NetworkArchitecture(of: base)
        let data = try TrainingData(place.path, base: base, architecture, maximumLength: 64, isStrict: true)
        var options = TrainingOptions(LoRA())
        options.optimizer.learningRate = 2e-2
        change(&options)
        return TrainingJob(base: base, data: data, options: options, lanes: Lanes(count: 1))
    }

    private func lines(_ rows: [Row]) -> [UInt8] {
        Array(rows.map { "{\"input_ids\":\($0.inputs),\"labels\":\($0.labels)}\n" }.joined().utf8)
    }

    @Test("four batches of a row are one of four")
    func accumulation() throws {
        let place = try TemporaryFolder()
        let many = try job(place) { options in
            (options.batchSize, options.accumulation, options.steps) = (1, 4, 6)
        }.run(output: place("many.tenon"))
        let one = try job(place) { options in
            (options.batchSize, options.accumulation, options.steps) = (4, 1, 6)
        }.run(output: place("one.tenon"))
        #expect(many.metrics.map(\.loss) == one.metrics.map(\.loss))
        #expect(many.metrics.map(\.gradientNorm) == one.metrics.map(\.gradientNorm))
        #expect(many.metrics.map(\.tokens) == one.metrics.map(\.tokens))
        #expect(many.trailer.contentDigest == one.trailer.contentDigest)
    }

    /// Rows of noise are learned by heart, and those that were not seen get worse.
    @Test func stopsEarlyAndKeepsTheBest() throws {
        let place = try TemporaryFolder()
        let report = try job(place, valid: TinyRun.rows(6, longest: 12, seed: 60)) { options in
            options.steps = 400
            options.stepsPerEvaluation = 3
            options.patience = 4
        }.run(output: place("x.tenon"))
        let evaluations = report.metrics.compactMap { one in one.evaluation.map { (step: one.step, $0.loss) } }
        let best = try #require(evaluations.min { ($0.1, $0.step) < ($1.1, $1.step) })
        #expect(report.step == best.step && report.evaluation?.loss == best.1)
        #expect(evaluations.count { $0.step > best.step } == 4)
        #expect(report.metrics.count == best.step + 12 && report.metrics.count < 400)
        #expect(evaluations.map(\.step) == Array(stride(from: 3, through: report.metrics.count, by: 3)))
        #expect(try place.names() == ["train.jsonl", "valid.jsonl", "x.loss.svg", "x.metrics.jsonl", "x.tenon"])
    }

    @Test func withoutValidationTheLastStepIsKept() throws {
        let place = try TemporaryFolder()
        let report = try job(place) { $0.steps = 5 }.run(output: place("x.tenon"))
        #expect(report.step == 5 && report.evaluation == nil && report.metrics.map(\.step) == [1, 2, 3, 4, 5])
        #expect(report.metrics.allSatisfy { $0.evaluation == nil && $0.tokensPerSecond ?? 0 > 0 })
    }

    // MARK: Schedules

    @Test(
        arguments: [
            (.constant, [0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
            (.linear, [0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0]),
            (
                .cosine,
                [
                    0, 0.5, 1, 0.9619397662556434, 0.8535533905932737, 0.6913417161825449, 0.5, 0.3086582838174551,
                    0.14644660940672624, 0.03806023374435663, 0,
                ]
            ),
        ] as [(LearningRateSchedule.Shape, [Double])])
    func schedule(_ shape: LearningRateSchedule.Shape, _ expected: [Double]) {
        let schedule = LearningRateSchedule(shape, peak: 3, warmupSteps: 2, totalSteps: 10)
        for (step, share) in expected.enumerated() { #expect(abs(schedule.rate(at: step) - 3 * share) < 1e-15) }
    }

    @Test(arguments: LearningRateSchedule.Shape.allCases)
    func scheduleAtItsEnds(_ shape: LearningRateSchedule.Shape) {
        #expect(LearningRateSchedule(shape, peak: 1, warmupSteps: 0, totalSteps: 1).rate(at: 0) == 1)
        let warming = LearningRateSchedule(shape, peak: 1, warmupSteps: 4, totalSteps: 4)
        #expect((0..<4).map { warming.rate(at: $0) } == [0, 0.25, 0.5, 0.75])
        for step in 4..<9 { #expect(warming.rate(at: step).isFinite) }
    }

    // MARK: Files

    /// Methods that only know sites stay small.
    @Test(arguments: [
        "IA3", "PromptTuning", "PrefixTuning", "PrefixEncoder", "AdaptionPrompt", "BitFit", "AdaLoRA", "SHiRA",
        "LNTuning",
    ])
    func smallMethods(_ name: String) throws {
        let root = Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath)))
        let bytes = try contents(of: Paths.joined(root, "Sources/Learning/Insertions/\(name).swift"))
        #expect(bytes.count { $0 == UInt8(ascii: "\n") } <= 150)
        let text = String(decoding: bytes, as: UTF8.self)
        for module in ["Networks", "Architectures", "Training"] { #expect(!text.contains("import \(module)\n")) }
    }
}
