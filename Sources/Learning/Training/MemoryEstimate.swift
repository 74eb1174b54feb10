package import Architectures
package import Checkpoints
package import Diagnostics
import Files
import Packaging

/// What a run will hold at most, by the formulas of its parts: told before it starts, in bytes.
package struct MemoryEstimate: Hashable, Sendable {
    /// The base's files, mapped: they may be given back and read again, and count all the same.
    package let weights: Int
    /// Parameters, gradients and the optimizer's averages.
    package let trained: Int
    /// What one pass keeps for backward, and what it works with.
    package let activations: Int

    /// - Parameters:
    ///   - parameterCount: How many numbers are trained.
    ///   - tokens: How many tokens go through the model at once.
    package init(
        _ architecture: DecoderArchitecture, _ base: Checkpoint, parameterCount: Int, tokens: Int, checkpoints: Bool
    ) {
        weights = base.totalBytes
        trained = parameterCount * 20
        activations = tokens * Self.bytesPerToken(architecture, checkpoints) + 64 * architecture.vocabularySize * 4
    }

    package var bytes: Int { weights + trained + activations + 24 << 20 }

    /// What blocks keep of a token, and what they work with.
    static func bytesPerToken(_ architecture: DecoderArchitecture, _ checkpoints: Bool) -> Int {
        let keys = architecture.keyHeads * architecture.headSize
        let block = 4 * architecture.hiddenSize + 2 * keys + 2 * architecture.innerSize
        let kept = checkpoints ? architecture.hiddenSize : block
        return 4 * (kept * architecture.layers + 2 * block + 6 * architecture.hiddenSize)
    }

    /// Throws ``Failure/Code/outOfMemory`` for more than the machine has.
    package func check() throws(Failure) {
        let there = Syscalls.physicalMemory
        guard bytes > there else { return }
        throw Failure(
            .outOfMemory, "this run needs more memory than the machine has",
            expected: "at most \(ByteSize.text(there))",
            actual: ByteSize.text(bytes), hint: "--grad-checkpoint and a smaller --max-seq-length need less")
    }
}

extension Trainer.PassMemory {
    /// Makes passes so small that what they keep fits `bytes`, but for a row that is longer.
    package mutating func fit(_ bytes: Int, _ architecture: DecoderArchitecture, longestRow: Int) {
        let fitting = bytes / MemoryEstimate.bytesPerToken(architecture, checkpoints)
        tokensPerPass = max(longestRow, min(tokensPerPass, fitting))
    }
}
