import Diagnostics
import Parallelism
import Synchronization
import Testing

/// The index that a test's failure carries.
func failure(_ index: Int) -> Failure { Failure(.limit, "index", actual: "\(index)") }

@Suite("Lanes")
struct ForEachTests {
    @Test("cover every index once, each lane by itself", arguments: [1, 2, 3, 8, 64], [0, 1, 2, 7, 1000])
    func coverage(count: Int, total: Int) throws {
        let lanes = Lanes(count: count)
        let seen = Mutex([Int](repeating: 0, count: total))
        let busy = Mutex([Bool](repeating: false, count: lanes.count))
        try lanes.forEach(total) { lane, index in
            let wasBusy = busy.withLock { busy in
                defer { busy[lane] = true }
                return busy[lane]
            }
            #expect(!wasBusy)
            seen.withLock { $0[index] += 1 }
            busy.withLock { $0[lane] = false }
        }
        #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
    }

    @Test func thereIsAlwaysALane() {
        #expect(Lanes(count: 0).count == 1 && Lanes(count: -3).count == 1 && Lanes.available >= 1)
    }

    @Test("the first failure by index of those met is thrown", arguments: [1, 2, 5, 32])
    func firstFailure(count: Int) {
        for _ in 0..<500 {
            let met = Mutex<[Int]>([])
            let thrown = #expect(throws: Failure.self) {
                try Lanes(count: count).forEach(100) { _, index throws(Failure) in
                    guard index % 10 == 7 else { return }
                    met.withLock { $0.append(index) }
                    throw failure(index)
                }
            }
            #expect(thrown?.actual == met.withLock { $0.min() }.map(String.init))
        }
    }

    @Test("a failure stops the rest")
    func stops() {
        let calls = Atomic<Int>(0)
        #expect(throws: Failure.self) {
            try Lanes(count: 4).forEach(1_000_000) { _, index throws(Failure) in
                calls.add(1, ordering: .relaxed)
                if index == 10 { throw failure(index) }
            }
        }
        #expect(calls.load(ordering: .relaxed) < 900_000)
    }
}
