import CSystem
import Dispatch
package import Diagnostics
import Synchronization

/// The one pool: `threads` lanes that take indices from a counter.
package struct Lanes: Sendable {
    /// How many lanes run at once.
    package let count: Int

    package init(count: Int) {
        self.count = max(1, count)
    }

    /// How many processors this process may use.
    package static var available: Int { Int(tenon_usable_processors()) }

    /// Calls `body(lane, index)` once for every index below `total`, on all lanes; `lane` is below ``count`` and no two
    /// calls run at once on the same lane. The first failure by index that was met stops the rest and is thrown.
    package func forEach(_ total: Int, _ body: @Sendable (_ lane: Int, _ index: Int) throws(Failure) -> Void)
        throws(Failure)
    {
        try forEach(total, body, whenStopped: {})
    }

    /// Calls `produce` for every index on all lanes and `consume` for its results in the order of the indices, one at a
    /// time, on whichever lane is free. At most `count * 4` results wait, so memory stays bounded.
    package func forEachInOrder<Result: Sendable>(
        _ total: Int, produce: @Sendable (_ lane: Int, _ index: Int) throws(Failure) -> Result,
        consume: @Sendable (_ index: Int, _ result: consuming Result) throws(Failure) -> Void
    ) throws(Failure) {
        let order = Order<Result>(window: count * 4)
        try forEach(
            total,
            { lane, index throws(Failure) in
                guard order.waitForTurn(index) else { return }
                try order.deliver(try produce(lane, index), at: index, to: consume)
            }, whenStopped: { order.abandon() })
    }

    /// As above; `whenStopped` is called once a lane stops early, before the others have ended.
    private func forEach(
        _ total: Int, _ body: @Sendable (_ lane: Int, _ index: Int) throws(Failure) -> Void,
        whenStopped: @Sendable () -> Void
    ) throws(Failure) {
        let run = Run(total: total)
        let width = min(count, total)
        if width <= 1 {
            run.drain(lane: 0, body, whenStopped)
        } else {
            DispatchQueue.concurrentPerform(iterations: width) { lane in run.drain(lane: lane, body, whenStopped) }
        }
        if let failure = run.failure.withLock({ $0 })?.failure { throw failure }
    }
}

/// One `forEach`: the counter that lanes draw from, and the failure that ends it.
private final class Run: Sendable {
    let total: Int
    let next = Atomic<Int>(0)
    let failure = Mutex<(index: Int, failure: Failure)?>(nil)

    init(total: Int) {
        self.total = total
    }

    func drain(lane: Int, _ body: @Sendable (Int, Int) throws(Failure) -> Void, _ whenStopped: @Sendable () -> Void) {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < total else { return }
            do throws(Failure) {
                try Cancellation.check()
                try body(lane, index)
            } catch {
                failure.withLock { first in
                    if first.map({ index < $0.index }) ?? true { first = (index, error) }
                }
                next.store(total, ordering: .relaxed)
                whenStopped()
                return
            }
        }
    }
}

/// Results that arrive out of order and leave in order.
private final class Order<Result: Sendable>: Sendable {
    private struct State {
        var ready: [Int: Result] = [:]
        /// The index whose result leaves next.
        var next = 0
        var isConsuming = false
        var isAbandoned = false
        /// Those who wait for room in the window.
        var sleepers: [DispatchSemaphore] = []
    }

    private let window: Int
    private let state = Mutex(State())

    init(window: Int) {
        self.window = window
    }

    /// Returns once `index` is within the window of results that may be held: false if there is no use in making it,
    /// because another lane has stopped the run.
    func waitForTurn(_ index: Int) -> Bool {
        while true {
            let (isAbandoned, sleeper) = state.withLock { state -> (Bool, DispatchSemaphore?) in
                if state.isAbandoned || index < state.next + window { return (state.isAbandoned, nil) }
                let sleeper = DispatchSemaphore(value: 0)
                state.sleepers.append(sleeper)
                return (false, sleeper)
            }
            guard let sleeper else { return !isAbandoned }
            sleeper.wait()
        }
    }

    func deliver(
        _ result: consuming Result, at index: Int, to consume: (Int, consuming Result) throws(Failure) -> Void
    ) throws(Failure) {
        let arrived = result
        var mine = state.withLock { state -> (Int, Result)? in
            state.ready[index] = arrived
            return Self.takeNext(&state, mayBegin: true)
        }
        while let (next, result) = mine {
            try consume(next, result)
            mine = state.withLock { state in
                state.next += 1
                return Self.takeNext(&state, mayBegin: false)
            }
            wake()
        }
    }

    /// The next result in order, if it is there and nobody else is consuming.
    private static func takeNext(_ state: inout State, mayBegin: Bool) -> (Int, Result)? {
        if state.isAbandoned || mayBegin && state.isConsuming { return nil }
        guard let result = state.ready.removeValue(forKey: state.next) else {
            state.isConsuming = false
            return nil
        }
        state.isConsuming = true
        return (state.next, result)
    }

    func abandon() {
        state.withLock { $0.isAbandoned = true }
        wake()
    }

    private func wake() {
        let sleepers = state.withLock { state in
            defer { state.sleepers.removeAll(keepingCapacity: true) }
            return state.sleepers
        }
        for sleeper in sleepers { sleeper.signal() }
    }
}
