import Diagnostics
import Files
import Generation
import JSON
import Kernels
import Packaging

/// Shows one text as it comes.
struct GenerationReporter {
    private let shared: SharedOptions

    init(_ shared: SharedOptions) {
        self.shared = shared
    }

    func run(_ item: BatchGeneration.Item, _ generation: BatchGeneration, _ engine: Engine<Float>) throws {
        let console = shared.console
        let isTerminal = Syscalls.isTerminal(1)
        let start = Syscalls.monotonicNanoseconds()
        var shown = ""
        var result: GeneratedText?
        do throws(Failure) {
            try generation.run(
                [item], engine,
                onText: { (_, text) throws(Failure) in
                    guard !shared.json else { return }
                    shown = text
                    try console.resultPart(isTerminal ? text.withoutControls : text)
                }, onFinish: { (_, text) throws(Failure) in result = text })
        } catch {
            // What comes next on a terminal begins a line.
            if isTerminal, !shown.isEmpty, !shown.hasSuffix("\n") { try? console.resultPart("\n") }
            throw error
        }
        guard let result else { return }
        let seconds = Double(Syscalls.monotonicNanoseconds() - start) / 1e9
        let speed = Double(result.ids.count) / max(seconds, 1e-9)
        if shared.json {
            var document = JSONObject()
            for (key, value) in result.members { document[key] = value }
            document["tokensPerSecond"] = JSONValue(speed)
            console.result(.object(document))
        } else if !shown.hasSuffix("\n") {
            try console.resultPart("\n")
        }
        if shared.verbose {
            try? Syscalls.writeAll(
                Array(
                    ("tenon: \(result.promptTokens) tokens of prompt, \(result.ids.count) generated, "
                        + "\(speed.text(decimals: 1)) tokens/s, ended by \(result.finish.rawValue)\n").utf8), to: 2)
        }
    }
}

extension String {
    /// With everything a terminal may obey written as `\u{…}`, but for line ends and tabs.
    fileprivate var withoutControls: String {
        var text = ""
        for scalar in unicodeScalars {
            if scalar.properties.generalCategory == .control, scalar != "\n", scalar != "\t" {
                text += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
