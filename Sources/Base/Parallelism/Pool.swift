import Synchronization

/// Things that are dear to make and wait for their next user: as many as were ever in use at once.
package final class Pool<Item: Sendable>: Sendable {
    private let idle = Mutex<[Item]>([])

    package init() {}

    /// One that is idle; nil where all are in use.
    package func take() -> Item? {
        idle.withLock { $0.popLast() }
    }

    package func giveBack(_ item: Item) {
        idle.withLock { $0.append(item) }
    }
}
