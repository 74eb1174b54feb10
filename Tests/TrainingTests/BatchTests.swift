import Support
import Layers
import Testing
import Training

/// Which rows make which batch, and how they are packed.
@Suite struct BatchTests {
    // MARK: Order

    /// Against a few lines of Python that follow `Spec/data.md`.
    @Test(
        arguments: [
            (10, 42, 0, [9, 1, 3, 2, 0, 8, 5, 7, 6, 4]), (10, 42, 1, [7, 3, 4, 5, 1, 8, 9, 0, 6, 2]),
            (7, 0, 3, [4, 3, 6, 5, 1, 0, 2]),
        ] as [(Int, UInt64, Int, [Int])])
    func order(_ count: Int, _ seed: UInt64, _ epoch: Int, _ expected: [Int]) {
        #expect(BatchPlan(rowCount: count, batchSize: 4, seed: seed).order(epoch: epoch) == expected)
    }

    @Test func everyRowOnceAnEpoch() {
        for (rows, size) in [(1, 1), (10, 3), (12, 4), (1000, 7), (5, 100)] {
            let plan = BatchPlan(rowCount: rows, batchSize: size, seed: 3)
            var sequence = BatchSequence(plan)
            for epoch in 0..<3 {
                var seen: [Int] = []
                for batch in 0..<plan.batchesPerEpoch {
                    #expect(sequence.cursor == BatchPlan.Cursor(epoch: epoch, batch: batch))
                    let next = sequence.next()
                    #expect(next.count == min(size, rows - batch * size))
                    seen += next
                }
                #expect(seen.sorted() == Array(0..<rows))
                #expect(seen == plan.order(epoch: epoch))
            }
        }
    }

    @Test func epochsDiffer() {
        let plan = BatchPlan(rowCount: 1000, batchSize: 8, seed: 1)
        #expect(plan.order(epoch: 0) != plan.order(epoch: 1))
        #expect(plan.order(epoch: 0) != BatchPlan(rowCount: 1000, batchSize: 8, seed: 2).order(epoch: 0))
        #expect(BatchPlan(rowCount: 5, batchSize: 2, seed: nil).order(epoch: 4) == [0, 1, 2, 3, 4])
        // Rows land anywhere: the mean distance of a permutation is about a third of its length.
        let distance = plan.order(epoch: 0).enumerated().reduce(0) { $0 + abs($1.offset - $1.element) } / 1000
        #expect((280...390).contains(distance))
    }

    @Test func resumes() {
        let plan = BatchPlan(rowCount: 10, batchSize: 3, seed: 9)
        var whole = BatchSequence(plan)
        for _ in 0..<11 {
            var resumed = BatchSequence(plan, from: whole.cursor)
            var copy = whole
            for _ in 0..<9 { #expect(resumed.next() == copy.next()) }
            _ = whole.next()
        }
        #expect(BatchSequence(plan, from: BatchPlan.Cursor(epoch: 1, batch: 4)).cursor == BatchPlan.Cursor(epoch: 2))
    }

    // MARK: Packing

    @Test func packs() {
        let rows = [
            Row(inputs: [1, 2, 3], labels: [1, 2, 3], line: 5), Row(inputs: [4, 5], labels: [-100, 5], line: 2),
            Row(inputs: [6], labels: [6], line: 9), Row(inputs: [7, 8, 9], labels: [7, -100, 9], line: 1),
        ]
        let whole = Packing.batches(of: rows, tokensPerPass: 100)
        #expect(whole.count == 1)
        #expect(whole[0].tokens == [1, 2, 3, 4, 5, 6, 7, 8, 9])
        #expect(whole[0].labels == [2, 3, -100, 5, -100, -100, -100, 9, -100])
        #expect(whole[0].positions == [0, 1, 2, 0, 1, 0, 0, 1, 2])
        #expect(whole[0].segments == [0..<3, 3..<5, 5..<6, 6..<9])
        #expect(whole[0].labeled.count == 4)

        let parts = Packing.batches(of: rows, tokensPerPass: 5)
        #expect(parts.map(\.tokens) == [[1, 2, 3, 4, 5], [6, 7, 8, 9]])
        #expect(parts.map(\.firstToken) == [0, 5])
        #expect(Packing.batches(of: rows, tokensPerPass: 1).map(\.segments) == [[0..<3], [0..<2], [0..<1], [0..<3]])
    }

    /// What a method puts in front of rows goes through the model with them.
    @Test func virtualTokensCount() {
        let rows = (1...6).map { Row(inputs: [1, 2], labels: [1, 2], line: $0) }
        #expect(Packing.batches(of: rows, tokensPerPass: 12, virtualTokens: 0).count == 1)
        #expect(Packing.batches(of: rows, tokensPerPass: 12, virtualTokens: 4).map(\.segments.count) == [2, 2, 2])
        #expect(Packing.batches(of: rows, tokensPerPass: 12, virtualTokens: 20).count == 6)
    }

    /// A pass says how many tokens came before it, those that methods put in front of rows among them.
    @Test(arguments: [0, 3])
    func placesOfPasses(virtualTokens: Int) {
        let rows = (1...5).map { line in
            Row(inputs: Array(repeating: 1, count: line), labels: Array(repeating: 1, count: line), line: line)
        }
        for limit in [1, 4, 7, 100] {
            var before = 0
            for pass in Packing.batches(of: rows, tokensPerPass: limit) {
                let batch = pass.withVirtualTokens(virtualTokens)
                #expect(batch.firstToken == before)
                before += batch.count
            }
            #expect(before == 15 + 5 * virtualTokens)
        }
    }

    /// Nothing is lost, cut or over the limit, whatever the rows.
    @Test func packsAnything() {
        var random = RepeatableRandom(printingSeedFor: "packing of rows")
        for _ in 0..<200 {
            let rows = (0..<Int.random(in: 1...40, using: &random)).map { line in
                let count = Int.random(in: 1...50, using: &random)
                let inputs = (0..<count).map { _ in Int32.random(in: 0..<99, using: &random) }
                return Row(inputs: inputs, labels: inputs.map { $0 % 3 == 0 ? Batch.ignored : $0 }, line: line)
            }
            let limit = Int.random(in: 1...200, using: &random)
            let batches = Packing.batches(of: rows, tokensPerPass: limit)
            #expect(batches.flatMap(\.tokens) == rows.flatMap(\.inputs))
            #expect(batches.reduce(0) { $0 + $1.labeled.count } == rows.reduce(0) { $0 + $1.labeledTokenCount })
            var before = 0
            for batch in batches {
                #expect(batch.count <= limit || batch.segments.count == 1)
                #expect(batch.firstToken == before)
                before += batch.count
            }
        }
    }
}
