package import Kernels

/// Rows of tokens, packed one after the other without padding.
package struct Batch: Sendable {
    /// A token at each place; ``virtualToken`` where a method puts an embedding of its own.
    package let tokens: [Int32]
    /// What is asked at each token: the one that follows it within its row, or a class, as the model's head wants it;
    /// ``ignored`` where nothing is.
    package let labels: [Int32]
    /// What is asked of each row as a whole, the number of its class or a value; none where tokens are asked.
    package let targets: [Double]
    /// Which part of its row each token belongs to, for models that learned to tell; none where all are of the first.
    package let types: [Int32]
    /// The place of each token in its row.
    package let positions: [Int32]
    /// Where each row lies; attention stays within.
    package let segments: [Range<Int>]
    /// How many tokens of the step's batch come before this part of it: what dropout counts from.
    package let firstToken: Int
    /// How many rows of the step's batch come before this part of it.
    package let firstRow: Int

    package static let virtualToken: Int32 = -1
    package static let ignored: Int32 = -100

    package init(
        tokens: [Int32], labels: [Int32], positions: [Int32], segments: [Range<Int>], targets: [Double] = [],
        types: [Int32] = [], firstToken: Int = 0, firstRow: Int = 0
    ) {
        precondition(tokens.count == labels.count && tokens.count == positions.count)
        precondition(targets.isEmpty || targets.count == segments.count)
        precondition(types.isEmpty || types.count == tokens.count)
        self.tokens = tokens
        self.labels = labels
        self.positions = positions
        self.segments = segments
        self.targets = targets
        self.types = types
        self.firstToken = firstToken
        self.firstRow = firstRow
    }

    package var count: Int { tokens.count }

    /// The tokens at which something is asked.
    package var labeled: [Int] { labels.indices.filter { labels[$0] != Self.ignored } }

    /// How many questions there are: tokens, or rows.
    package var askedCount: Int { targets.isEmpty ? labeled.count : targets.count }

    /// One token of each row, as rows by themselves.
    var oneOfEachRow: Batch {
        Batch(
            tokens: segments.map { tokens[$0.lowerBound] }, labels: segments.map { _ in Self.ignored },
            positions: segments.map { _ in 0 }, segments: segments.indices.map { $0..<$0 + 1 }, firstToken: firstRow,
            firstRow: firstRow)
    }

    /// With `count` virtual tokens in front of every row.
    package func withVirtualTokens(_ count: Int) -> Batch {
        guard count > 0 else { return self }
        var tokens: [Int32] = []
        var labels: [Int32] = []
        var positions: [Int32] = []
        var segments: [Range<Int>] = []
        for segment in self.segments {
            let start = tokens.count
            tokens += Array(repeating: Self.virtualToken, count: count) + self.tokens[segment]
            labels += Array(repeating: Self.ignored, count: count) + self.labels[segment]
            positions += (0..<Int32(count)) + self.positions[segment].map { $0 + Int32(count) }
            segments.append(start..<tokens.count)
        }
        return Batch(
            tokens: tokens, labels: labels, positions: positions, segments: segments, targets: targets,
            firstToken: firstToken + count * firstRow, firstRow: firstRow)
    }
}

/// One walk of a batch through a model.
package struct Pass<R: Real> {
    package let engine: Engine<R>
    package let batch: Batch
    /// Records what backward needs; nil where there will be none.
    package let tape: Tape?
    /// What dropout draws from, another in every step; nil where nothing is dropped.
    package let dropoutKey: UInt64?
    /// What holds the tokens before the batch's own; nil where the batch has whole rows.
    let cached: CachedPlaces<R>?
    /// The tokens whose outputs are wanted of a block, one of each row; nil for all.
    var chosen: [Int]?

    package init(
        _ engine: Engine<R>, _ batch: Batch, tape: Tape? = nil, dropoutKey: UInt64? = nil,
        cached: CachedPlaces<R>? = nil
    ) {
        precondition(cached == nil || tape == nil, "what a cache holds has no backward")
        self.engine = engine
        self.batch = batch
        self.tape = tape
        self.dropoutKey = dropoutKey
        self.cached = cached
    }

    /// A matrix with a row for each token, not zeroed.
    package func matrix(columns: Int) -> Matrix<R> {
        engine.workspace.matrix(rows: batch.count, columns: columns)
    }

    /// The same walk for one token of each row.
    var oneOfEachRow: Pass { Pass(engine, batch.oneOfEachRow, tape: tape, dropoutKey: dropoutKey) }
}

/// What is left to do for the gradients, last block first. Each step holds what its block saved, and lets go of it when
/// it is done.
package final class Tape {
    private var steps: [() -> Void] = []

    package init() {}

    package func record(_ backward: @escaping () -> Void) {
        steps.append(backward)
    }

    package func runBackward() {
        while let step = steps.popLast() { step() }
    }
}
