import Diagnostics
import Files
import Generation
import JSON
import Kernels
import Packaging

/// Writes what comes of many prompts, a line of JSON for each, in their order.
struct GenerationBatch {
    /// With whatever the line is known by.
    typealias Item = (id: JSONValue, item: BatchGeneration.Item)

    let path: String
    let output: String?
    let replaces: Bool
    let shared: SharedOptions

    func run(_ items: [Item], _ generation: BatchGeneration, _ engine: Engine<Float>) throws(Failure) {
        let file =
            try output.map { path throws(Failure) in try OutputFile.create(at: path, replacing: replaces) }
            ?? OutputFile.standardOutput()
        let start = Syscalls.monotonicNanoseconds()
        var done: [Int: GeneratedText] = [:]
        var next = 0
        var tokens = 0
        try generation.run(
            items.map(\.item), engine,
            onFinish: { (number, text) throws(Failure) in
                done[number] = text
                while let text = done.removeValue(forKey: next) {
                    tokens += text.ids.count
                    try unsafe file.write(Self.line(items[next].id, text).span.bytes)
                    next += 1
                }
            })
        try file.commit()
        guard let output else { return }
        let seconds = Double(Syscalls.monotonicNanoseconds() - start) / 1e9
        let speed = Double(tokens) / max(seconds, 1e-9)
        if shared.json {
            shared.console.result([
                "output": .string(output), "lines": JSONValue(items.count), "tokens": JSONValue(tokens),
                "tokensPerSecond": JSONValue(speed),
            ])
        } else {
            shared.console.result(
                "wrote \(output): \(items.count) texts, \(tokens) tokens, \(speed.text(decimals: 1)) tokens/s"
                    .escapedForTerminal)
        }
    }

    private static func line(_ id: JSONValue, _ text: GeneratedText) -> [UInt8] {
        var document = JSONObject()
        if !id.isNull { document["id"] = id }
        for (key, value) in text.members { document[key] = value }
        return JSONWriter.bytes(of: .object(document), .compact) + [UInt8(ascii: "\n")]
    }
}
