import Adapters
package import Checkpoints
package import Diagnostics
package import Digests
package import Packaging
package import Parallelism
import Tensors

/// Takes adapters off a merged checkpoint again, and proves by digest that the base came back.
package struct UnapplyJob: Sendable {
    package struct Report: Sendable {
        package let files: [String]
        package let byteCount: Int
        package let tensorCount: Int
        package let changedCount: Int
        /// Nil in a dry run.
        package let resultRoot: Digest?
        package let findings: [Finding]
        package let memoryBytes: Int
        package let times: StageTimes
    }

    package var lanes: Lanes
    package var replaces = false
    package var isDryRun = false

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// By the correction that `apply` wrote.
    ///
    /// Throws ``Failure/Code/baseMismatch`` where the merged checkpoint or an adapter is another one than the correction
    /// is for, ``Failure/Code/digestMismatch`` where the base does not come back.
    package func run(
        _ adapters: [WeightedAdapter], merged: Checkpoint, correction: WeightedAdapter, output: String
    ) throws(Failure) -> Report {
        let watch = BaseWatch(merged)
        let restoration = try Restoration(of: merged, by: correction, undoing: adapters, lanes: lanes) { number in
            WatchedBaseTensor(watch: watch, number: number)
        }
        let tensors = merged.tensors.indices.map { number in
            let name = merged.tensors[number].name
            return restoration.tensors[number].map { ResultTensor(name: name, source: $0) }
                ?? ResultTensor(name: name, source: WatchedBaseTensor(watch: watch, number: number), copyOf: number)
        }
        return try ResultWriter(lanes: lanes, replaces: replaces).exchange(
            tensors, changed: restoration.tensors.count, from: watch,
            findings: merged.findings + restoration.findings, output: output, isDryRun: isDryRun
        ) { proof throws(Failure) in
            try restoration.check(proof.base, root: proof.result?.root)
        }
    }

    /// By the base itself: what comes is the base's tensors, if the merged checkpoint is what the adapters make of them.
    package func run(
        _ adapters: [WeightedAdapter], merged: Checkpoint, base: Checkpoint, output: String
    ) throws(Failure) -> Report {
        try MergedCheck(lanes: lanes).check(merged, is: adapters, on: base)
        let watch = BaseWatch(base)
        let tensors = base.tensors.indices.map { number in
            ResultTensor(
                name: base.tensors[number].name, source: WatchedBaseTensor(watch: watch, number: number),
                copyOf: number)
        }
        let changed = try ResultPlan(adapters, onto: watch, dtype: nil).changed.count
        return try ResultWriter(lanes: lanes, replaces: replaces).exchange(
            tensors, changed: changed, from: watch, findings: base.findings, output: output, isDryRun: isDryRun
        ) { _ throws(Failure) in }
    }
}
