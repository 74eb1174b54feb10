import Dispatch
package import Diagnostics
import Synchronization

/// A value that many lanes need and that takes work which can be shared: the first lane that asks leads, and those that
/// come meanwhile take part instead of waiting.
package final class SharedWork<Value: Sendable>: Sendable {
    private enum State {
        case untouched
        case underWay(Crew)
        case done(Result<Value, Failure>)
    }

    private let state = Mutex(State.untouched)

    package init() {}

    /// The value, made by `lead` at the first call. What `lead` throws, every call throws.
    package func value(_ lead: (Crew) throws(Failure) -> Value) throws(Failure) -> Value {
        let (crew, isLeader, result) = state.withLock { state -> (Crew, Bool, Result<Value, Failure>?) in
            switch state {
            case .done(let result): return (Crew(), false, result)
            case .underWay(let crew): return (crew, false, nil)
            case .untouched:
                let crew = Crew()
                state = .underWay(crew)
                return (crew, true, nil)
            }
        }
        if let result { return try result.get() }
        if isLeader {
            let result: Result<Value, Failure>
            do throws(Failure) { result = .success(try lead(crew)) } catch { result = .failure(error) }
            state.withLock { $0 = .done(result) }
            crew.end()
            return try result.get()
        }
        crew.help()
        return try value(lead)
    }
}

/// The lanes at one ``SharedWork``.
package final class Crew: Sendable {
    private struct State {
        var job: Job?
        /// How many were given out.
        var jobs = 0
        var hasEnded = false
        var sleepers: [DispatchSemaphore] = []
    }

    private let state = Mutex(State())

    fileprivate init() {}

    /// Calls `body` once for every index below `total`, on all lanes that are here. For the leader alone.
    package func forEach(_ total: Int, _ body: @escaping @Sendable (Int) throws(Failure) -> Void) throws(Failure) {
        let job = Job(total: total, body)
        wake { state in
            state.job = job
            state.jobs += 1
        }
        job.drain()
        try job.finish()
    }

    /// Takes part in every job until the leader is done.
    fileprivate func help() {
        var seen = 0
        while true {
            let (job, sleeper) = state.withLock { state -> (Job?, DispatchSemaphore?) in
                if state.hasEnded { return (nil, nil) }
                if state.jobs > seen {
                    seen = state.jobs
                    return (state.job, nil)
                }
                let sleeper = DispatchSemaphore(value: 0)
                state.sleepers.append(sleeper)
                return (nil, sleeper)
            }
            if let sleeper {
                sleeper.wait()
            } else if let job {
                job.drain()
            } else {
                return
            }
        }
    }

    fileprivate func end() {
        wake { state in
            state.hasEnded = true
            state.job = nil
        }
    }

    private func wake(_ change: (inout sending State) -> Void) {
        let sleepers = state.withLock { state in
            change(&state)
            defer { state.sleepers.removeAll() }
            return state.sleepers
        }
        for sleeper in sleepers { sleeper.signal() }
    }
}

/// Indices that lanes take from a counter, and the moment at which all are done.
private final class Job: Sendable {
    private let total: Int
    private let body: @Sendable (Int) throws(Failure) -> Void
    private let next = Atomic<Int>(0)
    private let done = Atomic<Int>(0)
    private let failure = Mutex<(index: Int, failure: Failure)?>(nil)
    private let allDone = DispatchSemaphore(value: 0)

    init(total: Int, _ body: @escaping @Sendable (Int) throws(Failure) -> Void) {
        self.total = total
        self.body = body
    }

    /// Takes indices until there are none. After a failure those that are left are only counted.
    func drain() {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < total else { return }
            do throws(Failure) {
                if failure.withLock({ $0 == nil }) {
                    try Cancellation.check()
                    try body(index)
                }
            } catch {
                failure.withLock { first in
                    if first.map({ index < $0.index }) ?? true { first = (index, error) }
                }
            }
            if done.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == total { allDone.signal() }
        }
    }

    /// Returns once every index is done, whoever took it.
    func finish() throws(Failure) {
        if total > 0 { allDone.wait() }
        if let failure = failure.withLock({ $0 })?.failure { throw failure }
    }
}
