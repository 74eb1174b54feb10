import Architectures
import Checkpoints
import Diagnostics
import Insertions
import Kernels
import Layers
import Networks
import Support
import Testing
import Training

/// What a run is expected to hold, from shapes alone.
@Suite struct MemoryEstimateTests {
    @Test(
        "as many numbers are trained as was said before there was a model",
        arguments: TinyCase.everywhere + TinyCase.normed)
    func counts(_ one: TinyCase) throws {
        let base = try Golden.checkpoint(one.base)
        let shapes = try NetworkArchitecture(of: base).shapes(in: base)
        let size = try one.method.size(in: shapes, one.parameters)
        let (network, inserted) = try one.insert(Engine<Float>(threads: 1))
        let count = inserted.tensors.reduce(0) { $0 + $1.parameter.value.rows * $1.parameter.value.columns }
        #expect(size.parameterCount + (one.method is FullTuning ? 0 : shapes.savedCount) == count)
        #expect(size.virtualTokens == network.virtualTokens)
    }

    @Test("what methods hold besides what they train") func otherBytes() throws {
        let base = try Golden.checkpoint("llama")
        let shapes = try NetworkArchitecture(of: base).shapes(in: base)
        func others(_ one: TinyCase) throws -> (bytes: Int, count: Int) {
            let size = try one.method.size(in: shapes, one.parameters)
            return (size.otherBytes, size.parameterCount)
        }
        #expect(try others(TinyCase("lora", LoRA())).bytes == 0)
        let (pissa, adalora, shira) = (try others(.pissa), try others(.adalora), try others(.shira))
        #expect(pissa.bytes == 12 * pissa.count)
        #expect(adalora.bytes == 8 * adalora.count)
        // Gate and up are laid out together.
        #expect(shira.bytes == 12 * shira.count + 4 * 2 * 64 * 32)
        // Three of 32 inputs in each block, and one of 64; half the largest once more.
        #expect(try others(.eva).bytes == 8 * 2 * (3 * 32 * 32 + 64 * 64) + 4 * 64 * 64)
    }

    private func estimate(
        _ parameters: Int, tokens: Int, checkpoints: Bool = false, keepsBest: Bool = false, base: String = "llama"
    ) throws -> MemoryEstimate {
        let base = try Golden.checkpoint(base)
        return try MemoryEstimate(
            NetworkArchitecture(of: base), base, TrainingSize(parameterCount: parameters), tokens: tokens,
            rowTokens: 100, checkpoints: checkpoints, keepsBest: keepsBest, threads: 2)
    }

    @Test func grows() throws {
        let small = try estimate(1000, tokens: 100)
        #expect(try estimate(2000, tokens: 100).bytes == small.bytes + 16_000)
        #expect(try estimate(1000, tokens: 100, keepsBest: true).bytes == small.bytes + 4000)
        #expect(try estimate(1000, tokens: 101).bytes > small.bytes)
        #expect(try estimate(1000, tokens: 100, checkpoints: true).bytes < small.bytes)
        // A tied table has gradients from both of its ends.
        let tied = try Golden.checkpoint("llama-tied")
        let count = try NetworkArchitecture(of: tied).shapes(in: tied).parameterCount
        #expect(try estimate(count, tokens: 0, base: "llama-tied").trained == 16 * count + 4 * 97 * 32)
    }

    @Test func isHeldAgainstTheMachineAndALimit() throws {
        let small = try estimate(1000, tokens: 100)
        try small.check(limit: nil)
        try small.check(limit: small.held)
        let failure = #expect(throws: Failure.self) { try small.check(limit: small.held - 1) }
        #expect(failure?.code == .outOfMemory && failure?.what.contains("--memory") == true)
        let huge = try estimate(1 << 44, tokens: 100)
        let other = #expect(throws: Failure.self) { try huge.check(limit: nil) }
        #expect(other?.code == .outOfMemory && other?.hints.first?.contains("lora") == true)
        let long = try estimate(1, tokens: 1 << 40)
        #expect(throws: Failure.self) { try long.check(limit: nil) }
    }
}
