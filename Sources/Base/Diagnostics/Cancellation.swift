import CSystem
import Synchronization

/// Whether the user has asked us to stop. Set by a signal handler, asked between blocks of work.
package enum Cancellation {
    /// Catches SIGINT, SIGTERM and SIGHUP from now on, and lets a closed pipe show as an error instead of a signal.
    ///
    /// The first signal only sets ``isRequested``; a second one removes unfinished outputs and ends the process.
    package static func catchSignals() {
        tenon_install_signal_handlers()
    }

    /// Notes that `number` (SIGINT, SIGTERM, …) has arrived, unless one has before.
    package static func request(signal number: Int32) {
        tenon_note_signal(number)
    }

    package static var isRequested: Bool { pendingSignal != 0 }

    /// Runs `body` to its end as if no signal had arrived: for what keeps work from being lost by the first one. A second
    /// still ends the process.
    package static func deferred<Value, E: Error>(_ body: () throws(E) -> Value) throws(E) -> Value {
        deferrals.add(1, ordering: .relaxed)
        defer { deferrals.subtract(1, ordering: .relaxed) }
        return try body()
    }

    private static let deferrals = Atomic<Int>(0)

    private static var pendingSignal: Int32 {
        deferrals.load(ordering: .relaxed) > 0 ? 0 : tenon_pending_signal()
    }

    /// Throws ``Failure/Code/interrupted`` or ``Failure/Code/terminated`` once a signal has arrived.
    package static func check() throws(Failure) {
        if let failure { throw failure }
    }

    /// What ``check()`` throws, nil while no signal has arrived.
    package static var failure: Failure? {
        switch pendingSignal {
        case 0: nil
        case 15: Failure(.terminated, "stopped by SIGTERM")
        default: Failure(.interrupted, "interrupted")
        }
    }
}
