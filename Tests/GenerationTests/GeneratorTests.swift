import Diagnostics
import Generation
import Kernels
import Support
import Testing

@Suite("Generating")
struct GeneratorTests {
    @Test("is transformers' greedy generation, token for token", arguments: GenerationFixture.all)
    func golden(one: GenerationFixture) throws {
        let request = GenerationRequest(prompt: one.prompt, maximumTokens: one.ids.count)
        for threads in [1, 2] {
            let result = try one.generate([request], threads: threads)[0]
            #expect(result.ids == one.ids && result.text == one.text)
            #expect(result.finish == .length && result.promptTokens == one.prompt.count)
        }
        #expect(one.ids.count >= 40)
    }

    @Test("there are goldens with and without adapters")
    func goldens() {
        #expect(GenerationFixture.all.count == 6)
        #expect(GenerationFixture.all.contains { $0.adapters.count == 2 })
    }

    @Test(
        "gives of many what it gives of each alone, whatever room there is",
        arguments: ["llama-two", "gpt2", "mistral"])
    func batch(name: String) throws {
        let one = try GenerationFixture.named(name)
        var random = RepeatableRandom(seed: 3)
        let requests = (0..<9).map { number in
            var sampling = Sampling()
            sampling.temperature = number % 2 == 0 ? 0 : 0.8
            sampling.seed = UInt64(number)
            let prompt = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                Int32.random(in: 0..<480, using: &random)
            }
            return GenerationRequest(
                prompt: prompt, maximumTokens: Int.random(in: 1...30, using: &random), sampling: sampling,
                stops: number == 4 ? ["e"] : [])
        }
        let alone = try requests.map { try one.generate([$0], threads: 1)[0] }
        #expect(try one.generate(requests) == alone)
        // Room for one, and for a few.
        #expect(try one.generate(requests, cacheBytes: 27_000) == alone)
        let failure = #expect(throws: Failure.self) { try one.generate(requests, cacheBytes: 1) }
        #expect(failure?.code == .outOfMemory)
        #expect(try one.generate(requests, threads: 3, cacheBytes: 60_000) == alone)
    }

    @Test("ends at the ids that end a text, at texts, and where the model does")
    func ends() throws {
        let one = try GenerationFixture.named("llama")
        let request = GenerationRequest(prompt: one.prompt, maximumTokens: 48)
        let ended = try one.generate([request], ends: [one.ids[5]])[0]
        let first = one.ids.firstIndex(of: one.ids[5]) ?? 0
        #expect(ended.ids == Array(one.ids.prefix(first + 1)) && ended.finish == .end)
        // A text to stop at is left out, wherever in tokens it lies.
        let characters = Array(one.text)
        for place in stride(from: 3, to: min(30, characters.count - 4), by: 3) {
            var stopped = request
            let stop = String(characters[place..<place + 3])
            stopped.stops = ["never in there", stop]
            let result = try one.generate([stopped])[0]
            let end = try #require(one.text.firstRange(of: stop)?.lowerBound)
            #expect(result.text == String(one.text[..<end]) && result.finish == .stop, "\(stop)")
            #expect(one.ids.starts(with: result.ids) && result.ids.count < one.ids.count)
        }
        // The base has 96 positions; the last token needs none.
        let long = GenerationRequest(prompt: Array(repeating: 7, count: 90), maximumTokens: 1000)
        let result = try one.generate([long], ends: [])[0]
        #expect(result.ids.count == 7 && result.finish == .length)
        #expect(
            try one.generate([GenerationRequest(prompt: Array(repeating: 7, count: 96))], ends: [])[0].ids.count == 1)
    }

    @Test("weights of adapters count, and 0 is the base")
    func weights() throws {
        let base = try GenerationFixture.named("llama")
        let lora = try GenerationFixture.named("llama-lora")
        let request = GenerationRequest(prompt: base.prompt, maximumTokens: 48)
        func ids(_ weight: Double) throws -> [Int32] {
            let one = GenerationFixture(
                name: "", base: "llama", adapters: [("llama-first", weight)], prompt: [], promptText: "", ids: [],
                text: "")
            return try one.generate([request])[0].ids
        }
        #expect(try ids(0) == base.ids)
        #expect(lora.prompt == base.prompt)
        #expect(try ids(1) == lora.ids && ids(0.5) != lora.ids)
    }
}
