import Files
import JSON
import Support
import Testing

/// Tiny bases, and rows of noise to train on.
enum TrainingPlace {
    static func base(_ name: String = "llama") -> String { Paths.joined(Fixtures.root, "training/bases/" + name) }

    /// Rows of ids below 97, as lines.
    static func lines(_ count: Int, longest: Int = 16, seed: UInt64) -> [UInt8] {
        var random = RepeatableRandom(seed: seed)
        let rows = (0..<count).map { _ in
            (0..<Int.random(in: 2...longest, using: &random)).map { _ in Int.random(in: 0..<97, using: &random) }
        }
        return Array(rows.map { "{\"input_ids\":\($0)}\n" }.joined().utf8)
    }

    /// A new folder `data` with rows to train on, and with others to evaluate on where they are wanted.
    @discardableResult
    static func data(in place: TemporaryFolder, valid: Int = 0) throws -> String {
        try Folder.make(place("data"))
        try place.write(lines(10, seed: 1), to: "data/train.jsonl")
        if valid > 0 { try place.write(lines(valid, seed: 2), to: "data/valid.jsonl") }
        return place("data")
    }

    /// A command that trains for an instant; what comes later in `more` counts.
    static func command(
        in place: TemporaryFolder, base: String = "llama", to output: String = "x.tenon", _ more: [String] = []
    ) -> [String] {
        [
            "train", "--base", self.base(base), "--data", place("data"), "-o", place(output), "--iters", "12",
            "--learning-rate", "2e-2", "--quiet",
        ] + more
    }

    /// Trains, and gives the document that tells of it.
    static func train(
        in place: TemporaryFolder, base: String = "llama", to output: String = "x.tenon", _ more: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> JSONValue {
        let run = try succeed(
            command(in: place, base: base, to: output, more + ["--json"]), sourceLocation: sourceLocation)
        #expect(run.errors == "", sourceLocation: sourceLocation)
        return try document(run, sourceLocation: sourceLocation)
    }

    /// Evaluates an adapter, or the base alone.
    static func loss(
        _ adapter: String?, base: String, data: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Double {
        let arguments = ["eval"] + (adapter.map { [$0] } ?? []) + ["--base", base, "--data", data, "--json"]
        let document = try document(try succeed(arguments, sourceLocation: sourceLocation))
        return try #require(document["loss"]?.double, sourceLocation: sourceLocation)
    }

    /// The lines of a run's metrics, without what depends on the machine and the hour.
    static func metrics(_ path: String) throws -> [JSONValue] {
        try contents(of: path).split(separator: UInt8(ascii: "\n")).map { line in
            var one = try #require(try JSONValue.parse(Array(line)).object)
            for key in ["tokensPerSecond", "peakMemoryBytes"] { one[key] = nil }
            return .object(one)
        }
    }

    static let metricKeys = [
        "step", "loss", "learningRate", "gradientNorm", "tokens", "tokensPerSecond", "peakMemoryBytes",
    ]
    /// Of a step after which the model was evaluated.
    static let evaluationKeys = ["evalLoss", "evalPerplexity", "evalAccuracy", "evalExactMatch", "evalTokens"]
}
