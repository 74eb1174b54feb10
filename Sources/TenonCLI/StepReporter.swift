import Diagnostics
import Files
import Packaging
import Synchronization
import Training

/// Tells of a run's steps on stderr.
final class StepReporter: Sendable {
    private let total: Int
    private let interval: Int
    private let console: Console
    private let isQuiet: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let first = Mutex<Int?>(nil)

    init(total: Int, interval: Int, console: Console, isQuiet: Bool) {
        self.total = total
        self.interval = interval
        self.console = console
        self.isQuiet = isQuiet
        start = clock.now
    }

    func note(_ metrics: TrainingMetrics) {
        let first = first.withLock { first in
            first = first ?? metrics.step
            return first ?? metrics.step
        }
        guard !isQuiet else { return }
        if let evaluation = metrics.evaluation { write("step \(metrics.step): evaluation \(evaluation.text)") }
        guard metrics.step % interval == 0 || metrics.step == first || metrics.step == total else { return }
        var line = "step \(metrics.step)/\(total): loss \(metrics.loss.text(decimals: 4))"
        line += ", rate \(metrics.learningRate.scientific)"
        if let speed = metrics.tokensPerSecond { line += ", \(speed.text(decimals: 0)) tokens/s" }
        let elapsed = (clock.now - start) / .seconds(1)
        let left = elapsed / Double(metrics.step - first + 1) * Double(total - metrics.step)
        if metrics.step < total { line += ", \(Self.duration(left)) left" }
        write(line)
    }

    private func write(_ line: String) {
        try? Syscalls.writeAll(Array(("tenon: " + line + "\n").utf8), to: 2)
    }

    private static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e8 else { return "long" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
