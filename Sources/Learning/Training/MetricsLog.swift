package import Diagnostics
import Files
import JSON

/// What the steps of a run came to, and the file that keeps it over an interruption: a line a step, each written once. The
/// state beside it says how many of them count.
package struct MetricsLog: Sendable {
    package static let fileName = "metrics.jsonl"
    private static let lineByteLimit = 1 << 16

    package private(set) var metrics: [TrainingMetrics] = []
    private let file: LogFile?

    /// An empty one; its file, where there is to be one, begins anew.
    package init(at path: String?) throws(Failure) {
        file = try path.map { path throws(Failure) in try LogFile(at: path) }
    }

    /// As it was when `step` steps were done: lines beyond that are cut off.
    ///
    /// Throws ``Failure/Code/weightsMissing`` where one of those steps is missing.
    package init(at path: String, through step: Int) throws(Failure) {
        let input = try InputFile(path: path)
        var reader = LineReader(input, limit: Self.lineByteLimit)
        var end = 0
        while metrics.count < step {
            guard let line = try reader.next(), let one = Self.metrics(line), one.step == metrics.count + 1 else {
                throw Failure(
                    .weightsMissing, "the state of the run is incomplete", object: "step \(metrics.count + 1)",
                    path: path, hint: "--force begins anew")
            }
            metrics.append(one)
            end = min(line.offset + line.bytes.count + 1, input.size)
        }
        file = try LogFile(at: path, keeping: end)
    }

    private static func metrics(_ line: LineReader.Line) -> TrainingMetrics? {
        (try? JSONValue.parse(line.bytes)).flatMap { TrainingMetrics($0) }
    }

    package mutating func append(_ one: TrainingMetrics) throws(Failure) {
        metrics.append(one)
        try file?.append(one.line)
    }

    /// Waits until all of it is on the medium: before a state says so.
    package func flush() throws(Failure) { try file?.flush() }

    /// How many evaluations there were after a step.
    package func evaluationCount(after step: Int) -> Int {
        metrics.dropFirst(step).count { $0.evaluation != nil }
    }
}

extension TrainingMetrics {
    /// Its line of `metrics.jsonl`.
    var line: [UInt8] { JSONWriter.bytes(of: document, .compact) + [UInt8(ascii: "\n")] }
}
