import CSystem
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Threads that help another with pieces of its work, and then stay awake a moment for its next.
///
/// To wake a thread costs tens of microseconds, far more on a virtual machine, and a woken one may first be put where the
/// one that woke it runs. A training step shares out work thousands of times with little between; so helpers look out for
/// more before they go. Nobody waits for a helper that has not begun.
package final class Team: Sendable {
    /// The one that all share.
    package static let shared = Team(processors: Lanes.available)

    /// Where more threads run than there are processors, waiting awake would keep others from work.
    private let processors: Int
    private let state = Mutex(State())
    /// Goes up when there is work.
    private let calls = Atomic<Int>(0)
    /// How many helpers are at work.
    private let busy = Atomic<Int>(0)
    private let done = DispatchSemaphore(value: 0)

    private struct State {
        /// Until the one who leads has seen all helpers leave.
        var isLed = false
        var work: Work?
        /// How many more helpers may join.
        var seats = 0
        /// Helpers that look out for work, are at it, or were asked to come.
        var helpers = 0
        var isLeadAsleep = false
    }

    package init(processors: Int) {
        self.processors = processors
    }

    /// Calls `body` once for each index below `total`, on the calling thread and up to `threads - 1` helpers, and returns
    /// when all calls have. Where the team is at work already, be it for this very thread, other threads serve.
    package func forEach(_ total: Int, threads: Int, _ body: @Sendable (Int) -> Void) {
        let width = min(threads, total)
        guard width > 1 else {
            for index in 0..<max(0, total) { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            let work = Work(total: total, body)
            let patience = width <= processors ? Self.patience : 0
            guard begin(work, helpers: width - 1, patience) else {
                return DispatchQueue.concurrentPerform(iterations: width) { _ in work.drain() }
            }
            work.drain()
            end(patience)
        }
    }

    // MARK: The one who leads

    /// False where the team is at work.
    private func begin(_ work: Work, helpers: Int, _ patience: UInt64) -> Bool {
        let missing = state.withLock { state -> Int? in
            guard !state.isLed else { return nil }
            state.isLed = true
            state.work = work
            state.seats = helpers
            let missing = max(0, helpers - state.helpers)
            state.helpers += missing
            return missing
        }
        guard let missing else { return false }
        calls.add(1, ordering: .releasing)
        for _ in 0..<missing { DispatchQueue.global().async { self.help(patience) } }
        return true
    }

    /// Lets no more helpers join, and waits for those who did.
    private func end(_ patience: UInt64) {
        state.withLock { $0.work = nil }
        if !Self.wait(patience, until: { busy.load(ordering: .acquiring) == 0 }) {
            let mustSleep = state.withLock { state in
                state.isLeadAsleep = busy.load(ordering: .acquiring) > 0
                return state.isLeadAsleep
            }
            if mustSleep { done.wait() }
        }
        state.withLock { $0.isLed = false }
    }

    // MARK: Helpers

    private func help(_ patience: UInt64) {
        while true {
            let seen = calls.load(ordering: .acquiring)
            while join() { leave() }
            if !Self.wait(patience, until: { calls.load(ordering: .acquiring) != seen }) && retire() { return }
        }
    }

    /// Takes part in the work there is: false where there is none. It holds none of it when it returns.
    @inline(never)
    private func join() -> Bool {
        let work = state.withLock { state -> Work? in
            guard let work = state.work, state.seats > 0 else { return nil }
            state.seats -= 1
            busy.add(1, ordering: .relaxed)
            return work
        }
        work?.drain()
        return work != nil
    }

    private func leave() {
        let mayWake = state.withLock { state in
            let isLast = busy.subtract(1, ordering: .releasing).newValue == 0
            defer { if isLast { state.isLeadAsleep = false } }
            return isLast && state.isLeadAsleep
        }
        if mayWake { done.signal() }
    }

    /// Goes home, unless there is work again.
    private func retire() -> Bool {
        state.withLock { state in
            if state.work != nil && state.seats > 0 { return false }
            state.helpers -= 1
            return true
        }
    }

    // MARK: Waiting

    /// How many nanoseconds a thread waits awake: some times what it costs to wake one.
    private static let patience: UInt64 = 200_000

    /// Waits awake until `holds`; false when it did not in time.
    private static func wait(_ patience: UInt64, until holds: () -> Bool) -> Bool {
        if patience == 0 { return holds() }
        let end = DispatchTime.now().uptimeNanoseconds + patience
        repeat {
            for _ in 0..<64 {
                if holds() { return true }
                tenon_relax()
            }
            // Another thread, perhaps the very one that is waited for, may need this processor.
            sched_yield()
        } while DispatchTime.now().uptimeNanoseconds < end
        return holds()
    }
}

/// One `forEach`: its body, and the counter that threads draw from.
private final class Work: Sendable {
    private let total: Int
    private let body: @Sendable (Int) -> Void
    private let next = Atomic<Int>(0)

    init(total: Int, _ body: @escaping @Sendable (Int) -> Void) {
        self.total = total
        self.body = body
    }

    func drain() {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < total else { return }
            body(index)
        }
    }
}
