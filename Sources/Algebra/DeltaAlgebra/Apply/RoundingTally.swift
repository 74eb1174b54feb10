import CKernels
import Synchronization

/// What rounding did to all that was added: `Spec/arithmetic.md`, "What rounding did".
package struct RoundingReport: Hashable, Sendable {
    /// Σ of the squares of what was to be added.
    package var power = 0.0
    /// Σ of the squares of what is missing from it, or too much.
    package var noise = 0.0
    /// Elements that something was to be added to, and those of them that did not change.
    package var asked = 0
    package var lost = 0
    /// Finite weights whose result is not.
    package var overflowed = 0

    /// The share of the change that rounding lost: 0 is none of it.
    package var lostShare: Double { power > 0 ? (noise / power).squareRoot() : 0 }
}

/// Adds up what blocks report, from any lane.
///
/// Blocks end in any order, and sums of floating point depend on it in their last bits: what is shown is rounded to far
/// fewer digits.
final class RoundingTally: Sendable {
    private let total = Mutex(RoundingReport())

    var report: RoundingReport { total.withLock { $0 } }

    func add(_ block: tenon_rounding) {
        total.withLock { total in
            total.power += block.power
            total.noise += block.noise
            total.asked += Int(block.asked)
            total.lost += Int(block.lost)
            total.overflowed += Int(block.overflowed)
        }
    }
}
