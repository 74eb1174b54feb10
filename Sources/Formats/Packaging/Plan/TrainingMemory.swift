import Adapters
package import Architectures
import Diagnostics
import Quantization
import Tensors

/// What training takes in memory, by closed formulas: `Spec/plan.md`.
package struct TrainingMemory: Hashable, Sendable {
    /// Bytes of the base and of what the method adds to it, which is fp32.
    package let weights: Formula
    package let gradients: Formula
    package let optimizer: Formula
    /// What is kept for the backward pass, and one chunk of logits.
    package let activations: Formula

    package var total: Formula { .sum([weights, gradients, optimizer, activations]) }

    /// The parts by name, in the order of the contract.
    package var parts: [(name: String, formula: Formula)] {
        [("weights", weights), ("gradients", gradients), ("optimizer", optimizer), ("activations", activations)]
    }

    /// Throws ``Failure/Code/shapeOverflow`` where sizes come to more than can be counted.
    init(of architecture: Architecture, _ size: AdapterSize, _ setup: TrainingSetup) throws(Failure) {
        let width = Formula.quantity("bytes", setup.dtype.bits / 8)
        let added = Formula.quantity("added", try size.added.count())
        let fixed = Formula.quantity("fixed", try size.fixed.count())
        let existing = Formula.quantity("trained", try size.existing.count())
        let base = try Self.base(architecture, width, isQuantized: setup.quantizesBase)
        weights = try .sum(base + Self.present([4 * added, 4 * fixed]))
        gradients = try .sum(Self.present([4 * added, width * existing]))
        optimizer = try Self.states(setup.optimizer, size.trained)
        activations = try Self.activations(of: architecture, size, setup, width)
    }

    /// The terms that are not zero.
    private static func present(_ terms: [Formula]) throws(Failure) -> [Formula] {
        var present: [Formula] = []
        for term in terms where try term.value() > 0 { present.append(term) }
        return present
    }

    /// Of NF4 with double quantization half a byte a weight, a byte for 64 of them, and four bytes for 256 of those bytes;
    /// the head, embeddings, norms and biases stay as they are.
    private static func base(
        _ architecture: Architecture, _ width: Formula, isQuantized: Bool
    ) throws(Failure) -> [Formula] {
        guard isQuantized else { return [width * .quantity("base", try architecture.parameterCount())] }
        func isPacked(_ module: ModuleShape, _ tensor: TensorShape) -> Bool {
            if case .linear = module.kind, module.part != .head { tensor.name == "weight" } else { false }
        }
        let packed = architecture.tensors(where: isPacked)
        let block = QuantizationScheme.blockElements
        let codes = try packed.map { group throws(Failure) in
            let each = Formula.quantity("weights", try Formula.sum(group.tensors.map(\.formula)).value())
            return .quantity("n", group.copies)
                * .sum([
                    .quotient(each, 2), .quotient(each, block),
                    4 * .quotient(each, block * QuantizationScheme.outerBlockScales),
                ])
        }
        let rest = try architecture.parameterCount() - packed.count()
        return codes + [width * .quantity("rest", rest)]
    }

    private static func states(
        _ optimizer: TrainingSetup.Optimizer, _ trained: [TensorGroup]
    ) throws(Failure) -> Formula {
        let count = Formula.quantity("trained", try trained.count())
        switch optimizer {
        case .adamW: return .product([4, 2, count])
        case .lion, .momentum: return .product([4, count])
        case .sgd: return 0
        case .adafactor:
            var sums = 0
            for group in trained {
                let each = Formula.sum(group.tensors.map(\.factoredStates))
                sums = try (.quantity("sums", sums) + .quantity("n", group.copies) * each).value()
            }
            return .product([4, .quantity("sums", sums)])
        }
    }

    // MARK: Activations

    private static func activations(
        of architecture: Architecture, _ size: AdapterSize, _ setup: TrainingSetup, _ width: Formula
    ) throws(Failure) -> Formula {
        let blocks = architecture.stacks.map { ($0.layers, $0.kept(width: architecture.hiddenSize)) }
        var kept: [Formula]
        if setup.checkpoints {
            let d = Formula.quantity("d", architecture.hiddenSize)
            kept = blocks.map { .quantity("layers", $0.0) * d }
            var largest = (value: 0, formula: Formula.sum([]))
            for (_, block) in blocks where try block.value() > largest.value { largest = (try block.value(), block) }
            kept.append(largest.formula)
        } else {
            kept = blocks.map { .quantity("layers", $0.0) * $0.1 } + size.keptPerToken
        }
        let rows = Formula.quantity("rows", setup.batchSize)
        let length = Formula.quantity("tokens", setup.length)
        let tokens: Formula =
            size.virtualTokens == 0 ? length : .sum([length, .quantity("virtual", size.virtualTokens)])
        var terms: [Formula] = [width * rows * tokens * .sum(kept)]
        if architecture.head == .lm || architecture.head == .maskedLM {
            let labels = try (rows * length).value()
            let chunk = try chunkRows(labels, vocabulary: architecture.vocabularySize, width: architecture.hiddenSize)
            terms.append(4 * .quantity("chunk", chunk) * .quantity("vocabulary", architecture.vocabularySize))
        }
        return .sum(terms)
    }

    /// Rows of logits that are there at a time, about as many numbers as the rows they come of (Hsu et al., Liger Kernel,
    /// 2024).
    private static func chunkRows(_ rows: Int, vocabulary: Int, width: Int) throws(Failure) -> Int {
        let share = vocabulary / width + (vocabulary % width).signum()
        let wanted = rows / share + (rows % share).signum()
        var chunk = 1
        while chunk < min(wanted, 1 << 61) { chunk *= 2 }
        return min(chunk, rows)
    }
}

extension BlockStack {
    /// Numbers that a token keeps in one block for the backward pass, where attention is computed in tiles and what is
    /// cheap is computed again: the stream before each part, queries, keys and values, what attention gives, and what the
    /// MLP's activation takes.
    fileprivate func kept(width: Int) -> Formula {
        let d = Formula.quantity("d", width)
        let attention: [Formula] = [
            2 * .quantity("d_q", queryWidth), 2 * .quantity("d_kv", keyWidth),
        ]
        let streams: Formula = isParallel ? d : 2 * d
        let inner: Formula = isGated ? 2 * .quantity("f", innerSize) : .quantity("f", innerSize)
        return .sum([streams] + attention + (hasCrossAttention ? [d] + attention : []) + [inner])
    }
}

extension TensorShape {
    /// What Adafactor remembers of it: sums over its last two dimensions, or all of it where it is a vector.
    fileprivate var factoredStates: Formula {
        guard dimensions.count >= 2 else { return formula }
        let outer = Array(dimensions.dropLast(2))
        return .product(outer + [.sum(Array(dimensions.suffix(2)))])
    }
}
