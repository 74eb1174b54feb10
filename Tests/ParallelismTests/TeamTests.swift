import Dispatch
import Parallelism
import Synchronization
import Testing

@Suite("A team")
struct TeamTests {
    /// How often each index below `total` came.
    private func counts(_ team: Team, _ total: Int, threads: Int) -> [Int] {
        let seen = Mutex([Int](repeating: 0, count: max(0, total)))
        team.forEach(total, threads: threads) { index in seen.withLock { $0[index] += 1 } }
        return seen.withLock { $0 }
    }

    @Test("takes every index once", arguments: [1, 2, 3, 8, 64], [-1, 0, 1, 2, 7, 1000])
    func coverage(threads: Int, total: Int) {
        for processors in [1, 2, 64] {
            let team = Team(processors: processors)
            for _ in 0..<5 {
                #expect(counts(team, total, threads: threads) == Array(repeating: 1, count: max(0, total)))
            }
        }
    }

    @Test("ends each of many short calls, whose sums are seen by the next", arguments: [2, 3, 8])
    func manyCalls(threads: Int) {
        let team = Team(processors: threads), calls = 5000
        let values = Mutex(0)
        for call in 0..<calls {
            let sum = Atomic<Int>(0)
            team.forEach(5, threads: threads) { index in sum.add(index, ordering: .relaxed) }
            #expect(sum.load(ordering: .relaxed) == 10)
            values.withLock { $0 += 1 }
            #expect(values.withLock { $0 } == call + 1)
        }
    }

    @Test("has helpers that come when there is time for them")
    func helpers() {
        let team = Team(processors: 2)
        // Both indices wait for each other: alone the caller would never end.
        let arrived = Atomic<Int>(0)
        team.forEach(2, threads: 2) { _ in
            arrived.add(1, ordering: .relaxed)
            while arrived.load(ordering: .relaxed) < 2 {}
        }
        #expect(arrived.load(ordering: .relaxed) == 2)
    }

    @Test("works within itself")
    func nested() {
        let team = Team(processors: 4)
        let sum = Atomic<Int>(0)
        team.forEach(20, threads: 4) { outer in
            team.forEach(30, threads: 3) { inner in sum.add(outer * inner, ordering: .relaxed) }
        }
        #expect(sum.load(ordering: .relaxed) == 190 * 435)
    }

    @Test("serves several threads at once")
    func concurrent() {
        let team = Team(processors: 4)
        let sum = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 6) { user in
            for _ in 0..<300 {
                team.forEach(user + 2, threads: 4) { index in sum.add(index + 1, ordering: .relaxed) }
            }
        }
        #expect(sum.load(ordering: .relaxed) == 300 * (3 + 6 + 10 + 15 + 21 + 28))
    }

    @Test("lets helpers of long pieces end after the one who leads sleeps")
    func longPieces() {
        let team = Team(processors: 2)
        for _ in 0..<20 {
            let ended = Atomic<Int>(0)
            team.forEach(2, threads: 2) { index in
                let end = DispatchTime.now().uptimeNanoseconds + UInt64(index) * 1_000_000
                while DispatchTime.now().uptimeNanoseconds < end {}
                ended.add(1, ordering: .relaxed)
            }
            #expect(ended.load(ordering: .relaxed) == 2)
        }
    }
}
