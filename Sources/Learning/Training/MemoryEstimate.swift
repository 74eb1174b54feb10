package import Architectures
package import Checkpoints
package import Diagnostics
import Files
package import Insertions
import Packaging
import Tensors

/// What a run will hold at most, by the formulas of its parts: told before anything is built or read, in bytes.
package struct MemoryEstimate: Hashable, Sendable {
    /// The base's files, mapped: they may be given back and read again, and count all the same.
    package let weights: Int
    /// Parameters, gradients, the optimizer's averages, the best numbers so far, and what the method holds besides.
    package let trained: Int
    /// What one pass keeps for backward, and what it works with.
    package let activations: Int
    /// The program, its rows, and the buffers of its threads.
    package let program: Int
    /// How many numbers are trained.
    package let parameterCount: Int

    /// - Parameters:
    ///   - size: What the method adds to the model.
    ///   - tokens: How many tokens go through the model at once.
    ///   - rowTokens: How many tokens all rows have.
    ///   - keepsBest: Whether the best numbers so far are kept.
    ///   - threads: How many threads compute.
    package init(
        _ architecture: NetworkArchitecture, _ base: Checkpoint, _ size: TrainingSize, tokens: Int, rowTokens: Int,
        checkpoints: Bool, keepsBest: Bool, threads: Int
    ) throws(Failure) {
        parameterCount = size.parameterCount
        // Kernels read numbers at multiples of their size; others are copied there.
        let moved = base.tensors.filter { $0.source.tensor.range.lowerBound % ($0.dtype.width ?? 1) != 0 }
        weights = moved.reduce(base.totalBytes) { $0 + $1.byteCount }
        let table = architecture.vocabularySize * architecture.hiddenSize
        let isWhole = try size.parameterCount >= architecture.shapes(in: base).parameterCount
        let heldGradient = isWhole && architecture.tiesEmbeddings ? table : 0
        trained = 4 * ((keepsBest ? 5 : 4) * size.parameterCount + heldGradient) + size.otherBytes
        let scores = Double(architecture.vocabularySize) * Double(min(tokens, Self.scoreTokens)) * 4
        let passing = Double(tokens) * Self.bytesPerToken(architecture, size, checkpoints: checkpoints)
        activations = Int(min(scores + passing, Self.most))
        program = (20 + 2 * threads) << 20 + 8 * rowTokens
    }

    /// Tokens whose scores exist at once.
    private static let scoreTokens = 64
    /// Beyond any machine, and far from overflowing.
    private static let most = 0x1p60

    package var bytes: Int { weights + held }
    /// All but what the system can take back: the base's files.
    package var held: Int { trained + activations + program }

    /// What blocks keep of a token, and what they work with.
    static func bytesPerToken(
        _ architecture: NetworkArchitecture, _ size: TrainingSize, checkpoints: Bool
    ) -> Double {
        let hidden = Double(architecture.hiddenSize)
        let stack = architecture.stack
        let (queries, keys) = (Double(stack.queryWidth), Double(stack.keyWidth))
        let layers = Double(architecture.layers)
        let own = Double(size.keptPerToken) / layers
        // With norms after the sums these are kept too, and an MLP without a gate has one inner output.
        let sums = architecture.hasNormsAfter ? 2 * hidden : 0
        let inner = (stack.isGated ? 2 : 1) * Double(stack.innerSize)
        let block = 2 * hidden + 2 * queries + 2 * keys + inner + sums + own
        let kept = checkpoints ? hidden : block
        return 4 * (kept * layers + 2 * block + 6 * hidden)
    }

    /// Throws ``Failure/Code/outOfMemory`` for more than the machine gives, and where `limit` was asked for, for more than
    /// that without the base's files.
    package func check(limit: Int?) throws(Failure) {
        let there = MachineMemory.bytes
        if bytes > there { throw failure("this run needs more memory than the machine has", bytes, there) }
        if let limit, held > limit {
            throw failure("this run needs more memory than --memory allows", held, limit)
        }
    }

    private func failure(_ what: String, _ needed: Int, _ there: Int) -> Failure {
        Failure(
            .outOfMemory, what, expected: "at most \(ByteSize.text(there))", actual: ByteSize.text(needed),
            hint: trained > activations
                ? "a method that trains fewer numbers, such as lora, needs less"
                : "--grad-checkpoint and a smaller --max-seq-length need less")
    }
}

extension Trainer.PassMemory {
    /// Makes passes so small that what they keep fits `bytes`, but for a row that is longer.
    ///
    /// - Parameter longestRow: With the tokens that the method puts in front.
    package mutating func fit(
        _ bytes: Int, _ architecture: NetworkArchitecture, _ size: TrainingSize, longestRow: Int
    ) {
        let perToken = MemoryEstimate.bytesPerToken(architecture, size, checkpoints: checkpoints)
        let fitting = Int(min(Double(bytes) / perToken, Double(tokensPerPass)))
        tokensPerPass = max(longestRow, fitting)
    }
}
