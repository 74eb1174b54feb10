import LinearAlgebra

/// Which rows make which batch: a function of the seed and the epoch alone.
package struct BatchPlan: Hashable, Sendable {
    /// The batch that comes next. Saved and given back, it goes on where it was.
    package struct Cursor: Hashable, Sendable {
        /// From 0.
        package var epoch: Int
        /// Within the epoch, from 0.
        package var batch: Int

        package init(epoch: Int = 0, batch: Int = 0) {
            self.epoch = epoch
            self.batch = batch
        }
    }

    package let rowCount: Int
    package let batchSize: Int
    /// Nil for the order of the file in every epoch.
    package let seed: UInt64?

    /// `rowCount` and `batchSize` are at least 1.
    package init(rowCount: Int, batchSize: Int, seed: UInt64?) {
        precondition(rowCount > 0 && batchSize > 0)
        self.rowCount = rowCount
        self.batchSize = batchSize
        self.seed = seed
    }

    /// The last batch of an epoch may have fewer rows than the others; none is left out.
    package var batchesPerEpoch: Int { (rowCount - 1) / batchSize + 1 }

    /// All rows in the order of an epoch: sorted by numbers that ``CounterRandom`` draws for them.
    package func order(epoch: Int) -> [Int] {
        guard let seed else { return Array(0..<rowCount) }
        let random = CounterRandom(seed: seed, name: "rows of epoch \(epoch)")
        let keys = (0..<rowCount).map { row in random.bits(2 * row) << 24 | random.bits(2 * row + 1) }
        return (0..<rowCount).sorted { (keys[$0], $0) < (keys[$1], $1) }
    }

    /// The rows of one batch of an order.
    package func rows(of batch: Int, in order: [Int]) -> ArraySlice<Int> {
        order[batch * batchSize..<min(rowCount, (batch + 1) * batchSize)]
    }
}

/// The batches of a plan one after the other, epoch after epoch, without an end.
package struct BatchSequence: Sendable {
    package let plan: BatchPlan
    /// Of the batch that ``next()`` gives.
    package private(set) var cursor: BatchPlan.Cursor
    private var order: [Int]

    /// A cursor beyond the end of its epoch is one at the beginning of the next.
    package init(_ plan: BatchPlan, from cursor: BatchPlan.Cursor = BatchPlan.Cursor()) {
        precondition(cursor.epoch >= 0 && cursor.batch >= 0)
        self.plan = plan
        self.cursor =
            cursor.batch < plan.batchesPerEpoch ? cursor : BatchPlan.Cursor(epoch: cursor.epoch + 1, batch: 0)
        order = plan.order(epoch: self.cursor.epoch)
    }

    /// The rows of the next batch, by their place in the data.
    package mutating func next() -> [Int] {
        let rows = Array(plan.rows(of: cursor.batch, in: order))
        cursor.batch += 1
        if cursor.batch == plan.batchesPerEpoch {
            cursor = BatchPlan.Cursor(epoch: cursor.epoch + 1)
            order = plan.order(epoch: cursor.epoch)
        }
        return rows
    }
}
