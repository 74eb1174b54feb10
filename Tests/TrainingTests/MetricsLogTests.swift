import Diagnostics
import Files
import Support
import Testing
import Training

/// The metrics of a run in a file of their own, and what an interruption may leave of it.
@Suite struct MetricsLogTests {
    private func one(_ step: Int) -> TrainingMetrics {
        var one = TrainingMetrics(
            step: step, loss: 1 / Double(step), learningRate: 0.1 + 0.2, gradientNorm: 1e-300, tokens: 7 * step)
        one.tokensPerSecond = step % 2 == 0 ? 3.5 : nil
        if step % 3 == 0 { one.evaluation = Evaluation(loss: 0.1 * Double(step), count: 9, metrics: [.accuracy: 0.25]) }
        return one
    }

    private func written(_ steps: Int, in place: TemporaryFolder) throws -> (path: String, metrics: [TrainingMetrics]) {
        var log = try MetricsLog(at: place(MetricsLog.fileName))
        for step in 1...steps { try log.append(one(step)) }
        try log.flush()
        return (place(MetricsLog.fileName), log.metrics)
    }

    @Test func everyStepIsALineWrittenOnce() throws {
        let place = try TemporaryFolder()
        let (path, metrics) = try written(5, in: place)
        #expect(metrics == (1...5).map(one))
        let before = try contents(of: path)
        #expect(before.count { $0 == UInt8(ascii: "\n") } == 5)
        var log = try MetricsLog(at: path, through: 5)
        #expect(log.metrics == metrics && log.evaluationCount(after: 2) == 1)
        try log.append(one(6))
        #expect(try contents(of: path).starts(with: before) && log.evaluationCount(after: 2) == 2)
    }

    /// The state may be older than the last line, and the last line may be cut short.
    @Test(arguments: 0...5)
    func cutBackToTheState(step: Int) throws {
        let place = try TemporaryFolder()
        let (path, metrics) = try written(5, in: place)
        let bytes = try contents(of: path)
        for tail in ["", "{\"step\": 6, \"lo", "garbage\n\n"] {
            try place.write(bytes + Array(tail.utf8), to: MetricsLog.fileName)
            var log = try MetricsLog(at: path, through: step)
            #expect(log.metrics == Array(metrics.prefix(step)))
            for next in step + 1...6 { try log.append(one(next)) }
            #expect(try contents(of: path).starts(with: bytes))
            #expect(try MetricsLog(at: path, through: 6).metrics == (1...6).map(one))
        }
    }

    @Test func refusesWhatLacksAStep() throws {
        let place = try TemporaryFolder()
        let (path, _) = try written(3, in: place)
        let lines = try contents(of: path).split(separator: UInt8(ascii: "\n"))
        for left in [[], [0, 2], [1, 0, 2], [0, 1]] {
            try place.write(left.flatMap { lines[$0] + [UInt8(ascii: "\n")] }, to: MetricsLog.fileName)
            let failure = #expect(throws: Failure.self) { try MetricsLog(at: path, through: 3) }
            #expect(failure?.code == .weightsMissing)
        }
        #expect(throws: Failure.self) { try MetricsLog(at: place("none"), through: 1) }
    }

    @Test func withoutAFile() throws {
        var log = try MetricsLog(at: nil)
        try log.append(one(1))
        try log.flush()
        #expect(log.metrics == [one(1)])
    }
}
