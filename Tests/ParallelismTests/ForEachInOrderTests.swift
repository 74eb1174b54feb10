import Diagnostics
import Parallelism
import Synchronization
import Testing

@Suite("Lanes whose results leave in order")
struct ForEachInOrderTests {
    /// Some work whose length nobody can foresee.
    private func work(_ index: Int) {
        var sum = index
        for step in 0..<(index &* 7919 % 97) * 20 { sum = sum &* 31 &+ step }
        if sum == .min { print(sum) }
    }

    @Test("consume every result in order, one at a time", arguments: [1, 2, 3, 8, 32])
    func order(count: Int) throws {
        for total in [0, 1, 2, 500] {
            let consumed = Mutex<[Int]>([])
            let consumers = Atomic<Int>(0)
            try Lanes(count: count).forEachInOrder(total) { _, index in
                work(index)
                return index * 3
            } consume: { index, result in
                #expect(consumers.add(1, ordering: .sequentiallyConsistent).oldValue == 0)
                #expect(result == index * 3)
                consumed.withLock { $0.append(index) }
                consumers.subtract(1, ordering: .sequentiallyConsistent)
            }
            #expect(consumed.withLock { $0 } == Array(0..<total))
        }
    }

    @Test("hold no more results than the window has", arguments: [1, 2, 8])
    func window(count: Int) throws {
        let ahead = Mutex((produced: 0, consumed: 0, most: 0))
        try Lanes(count: count).forEachInOrder(2000) { _, index in
            ahead.withLock {
                $0.produced += 1
                $0.most = max($0.most, $0.produced - $0.consumed)
            }
            return index
        } consume: { index, _ in
            if index % 100 == 0 { work(96) }
            ahead.withLock { $0.consumed += 1 }
        }
        // Those in the window, and the one being consumed.
        #expect(ahead.withLock { $0.most } <= count * 4 + 1)
    }

    /// Runs `count` lanes over 60 indices with one failing producer or consumer; gives what was thrown and consumed.
    private func run(count: Int, badProducer: Int?, badConsumer: Int?) -> (thrown: Failure?, consumed: [Int]) {
        let consumed = Mutex<[Int]>([])
        var thrown: Failure?
        do throws(Failure) {
            try Lanes(count: count).forEachInOrder(60) { _, index throws(Failure) in
                if index == badProducer { throw failure(index) }
                return index
            } consume: { index, _ throws(Failure) in
                if index == badConsumer { throw failure(index) }
                consumed.withLock { $0.append(index) }
            }
        } catch {
            thrown = error
        }
        return (thrown, consumed.withLock { $0 })
    }

    @Test("a failing producer ends it, whatever the others do", arguments: [1, 2, 4, 16, 64])
    func failingProducer(count: Int) {
        for round in 0..<1500 {
            let bad = round % 60
            let (thrown, consumed) = run(count: count, badProducer: bad, badConsumer: nil)
            #expect(thrown != nil)
            expectOwn(thrown, bad)
            #expect(consumed == Array(0..<consumed.count) && consumed.count <= bad)
        }
    }

    @Test("a failing consumer ends it, whatever the others do", arguments: [1, 2, 4, 16, 64])
    func failingConsumer(count: Int) {
        for round in 0..<1500 {
            let bad = round % 60
            let (thrown, consumed) = run(count: count, badProducer: nil, badConsumer: bad)
            #expect(thrown != nil)
            expectOwn(thrown, bad)
            #expect(consumed == Array(0..<bad))
        }
    }

    @Test(
        "a failure that comes while others wait for room is the one that is told",
        arguments: [2, 3, 6])
    func failingWhileOthersWait(count: Int) {
        for round in 0..<1500 {
            let bad = 20 + round % 40
            let thrown = #expect(throws: Failure.self) {
                try Lanes(count: count).forEachInOrder(80) { _, index throws(Failure) in
                    if index == bad { throw failure(index) }
                } consume: { index, _ in
                    if index % 7 == 0 { work(96) }
                }
            }
            expectOwn(thrown, bad)
        }
    }

    /// The failure is the one that the test threw, not the excuse of a lane that stopped because of it.
    private func expectOwn(_ thrown: Failure?, _ index: Int) {
        if thrown?.actual != "\(index)" { Issue.record("threw \(String(describing: thrown?.what)) for index \(index)") }
    }
}
