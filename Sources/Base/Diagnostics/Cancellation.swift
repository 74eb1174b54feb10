import Synchronization

/// Whether the user has asked us to stop. Set from a signal handler's thread, asked between blocks of work.
package enum Cancellation {
    private static let signal = Atomic<Int32>(0)

    /// Notes that `number` (SIGINT, SIGTERM, …) has arrived.
    package static func request(signal number: Int32) {
        signal.store(number, ordering: .relaxed)
    }

    package static var isRequested: Bool { signal.load(ordering: .relaxed) != 0 }

    /// Throws ``Failure/Code/interrupted`` or ``Failure/Code/terminated`` once a signal has arrived.
    package static func check() throws(Failure) {
        switch signal.load(ordering: .relaxed) {
        case 0: return
        case 15: throw Failure(.terminated, "stopped by SIGTERM")
        default: throw Failure(.interrupted, "interrupted")
        }
    }
}
