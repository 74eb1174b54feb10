import ArgumentParser
import Diagnostics
import Generation
import Training

/// How tokens are chosen, and when it ends.
struct GenerationFlags: ParsableArguments {
    @Option(help: ArgumentHelp("The most tokens to generate (default: 256).", valueName: "n"))
    var maxTokens: Int?

    @Option(
        help: ArgumentHelp(
            "What scores are divided by before a token is drawn; 0 takes the likeliest (default: 0).", valueName: "t"))
    var temperature: Double?

    @Option(help: ArgumentHelp("Draw from so many of the likeliest tokens alone.", valueName: "k"))
    var topK: Int?

    @Option(help: ArgumentHelp("Draw from the likeliest tokens that together have this share.", valueName: "p"))
    var topP: Double?

    @Option(help: ArgumentHelp("What is drawn with: the same seed gives the same text (default: 0).", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("End before this text; may be given more than once.", valueName: "text"))
    var stop: [String] = []

    func validate() throws {
        if let maxTokens, maxTokens < 1 { throw ValidationError("--max-tokens must be at least 1.") }
        if let temperature, !(temperature >= 0 && temperature.isFinite) {
            throw ValidationError("--temperature must be 0 or more.")
        }
        if let topK, topK < 1 { throw ValidationError("--top-k must be at least 1.") }
        if let topP, !(topP > 0 && topP <= 1) { throw ValidationError("--top-p is a share, above 0 and at most 1.") }
        if stop.contains("") { throw ValidationError("--stop must not be empty.") }
    }

    var tokenLimit: Int { maxTokens ?? 256 }

    var sampling: Sampling {
        var sampling = Sampling()
        sampling.temperature = temperature ?? 0
        sampling.topK = topK
        sampling.topP = topP ?? 1
        sampling.seed = seed ?? 0
        return sampling
    }

    /// A request for a prompt, as the flags say.
    func request(_ prompt: [Int32]) -> GenerationRequest {
        GenerationRequest(prompt: prompt, maximumTokens: tokenLimit, sampling: sampling, stops: stop)
    }

    /// As the flags say where the line does not.
    func request(_ prompt: [Int32], _ line: PromptLine) -> GenerationRequest {
        var request = request(prompt)
        if let limit = line.maximumTokens { request.maximumTokens = limit }
        if let temperature = line.temperature { request.sampling.temperature = temperature }
        if let seed = line.seed { request.sampling.seed = seed }
        if let stops = line.stops { request.stops = stops }
        return request
    }
}
