import Diagnostics
import Files

/// What a run leaves beside its adapter: `NAME.metrics.jsonl` and `NAME.loss.svg`.
enum TrainingLog {
    static func paths(beside output: String) -> [String] {
        let name = output.hasSuffix(".tenon") ? String(output.dropLast(".tenon".count)) : output
        return [name + ".metrics.jsonl", name + ".loss.svg"]
    }

    static func write(_ metrics: [TrainingMetrics], beside output: String) throws(Failure) {
        let contents = [metrics.flatMap(\.line), Array(LossCurve.svg(metrics).utf8)]
        for (path, bytes) in zip(paths(beside: output), contents) { try put(bytes, at: path) }
    }

    private static func put(_ bytes: [UInt8], at path: String) throws(Failure) {
        let file = try OutputFile.create(at: path, replacing: true)
        try unsafe file.write(bytes.span.bytes)
        try file.commit()
    }
}
