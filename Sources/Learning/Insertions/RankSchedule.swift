import Adapters
import Diagnostics

/// How many triplets AdaLoRA keeps at which step (Zhang et al., 2023, section 3.3): all for `tinit` steps, then fewer by a
/// cubic curve, and `target_r` for each layer in the mean from `tfinal` steps before the end on.
struct RankSchedule: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// What matters is measured; nothing is pruned.
        case measuring
        /// It is measured, and so many triplets are kept.
        case pruning(kept: Int)
        /// For the last time so many are chosen, without measuring.
        case choosing(kept: Int)
        /// What was chosen stays.
        case keeping
    }

    let initial: Int
    let target: Int
    private let first: Int
    private let last: Int
    private let interval: Int

    /// - Parameters:
    ///   - steps: Of the whole run.
    ///   - ranks: Of each layer at the beginning.
    ///
    /// Throws ``Failure/Code/badParameter`` where no step is left to prune in.
    init(_ parameters: Parameters, steps: Int, ranks: [Int]) throws(Failure) {
        initial = ranks.reduce(0, +)
        target = (parameters["target_r"]?.int ?? 8) * ranks.count
        first = parameters["tinit"]?.int ?? 0
        last = (parameters["total_step"]?.int ?? steps) - (parameters["tfinal"]?.int ?? 0)
        interval = parameters["deltaT"]?.int ?? 1
        guard first >= 0, first < last, interval > 0 else {
            throw Failure(
                .badParameter, "AdaLoRA has no step left to prune in", object: "tinit, tfinal, deltaT",
                expected: "tinit + tfinal below \(parameters["total_step"]?.int ?? steps) steps",
                hint: "train for more steps, or with a smaller tinit or tfinal")
        }
    }

    /// Steps count from 1.
    func phase(_ step: Int) -> Phase {
        if step > last { return .keeping }
        if step == last { return .choosing(kept: kept(at: step)) }
        return step > first && step % interval == 0 ? .pruning(kept: kept(at: step)) : .measuring
    }

    private func kept(at step: Int) -> Int {
        let left = 1 - Double(step - first) / Double(last - first)
        return Int(Double(initial - target) * (left * left * left) + Double(target))
    }
}
