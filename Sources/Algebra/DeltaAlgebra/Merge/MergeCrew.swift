import Diagnostics
import Parallelism
import Synchronization

/// All blocks of a tensor, shared among the lanes that wait for what they tell.
package struct MergeCrew {
    let inputs: MergeInputs
    let crew: Crew

    /// What `body` says of every block, in the order of the blocks.
    func map<Part: Sendable>(
        _ body: @escaping @Sendable (MergeBlock) throws(Failure) -> Part
    ) throws(Failure) -> [Part] {
        let inputs = inputs
        let parts = Collected<Part>(count: inputs.blockCount)
        try crew.forEach(inputs.blockCount) { index throws(Failure) in
            parts.set(index, try inputs.withBlock(index, body))
        }
        return parts.all
    }

    /// The sums over all blocks of the numbers that `body` gives for each, added in the order of the blocks.
    func sums(
        _ body: @escaping @Sendable (MergeBlock) throws(Failure) -> [Double]
    ) throws(Failure) -> [Double] {
        let parts = try map(body)
        guard var sums = parts.first else { return [] }
        for part in parts.dropFirst() {
            for index in sums.indices { sums[index] += part[index] }
        }
        return sums
    }
}

/// Results that arrive in any order.
private final class Collected<Part: Sendable>: Sendable {
    private let parts: Mutex<[Part?]>

    init(count: Int) {
        parts = Mutex([Part?](repeating: nil, count: count))
    }

    func set(_ index: Int, _ part: Part) {
        parts.withLock { $0[index] = part }
    }

    var all: [Part] { parts.withLock { $0.compactMap(\.self) } }
}
