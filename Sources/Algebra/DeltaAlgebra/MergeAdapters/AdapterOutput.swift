import Adapters
package import DeltaFormat
package import Diagnostics
import Files
import Packaging
package import Parallelism

/// How a job that makes one adapter of others works, and where the adapter goes.
package struct AdapterOutput: Sendable {
    /// Where the container goes; `-` is the standard output.
    package var path: String
    package var compression = Compression.standard
    package var memory = MemoryBudget.standard
    package var lanes: Lanes
    package var replaces = false
    package var isDryRun = false
    /// What the lineage of the result names as its maker.
    package var tool = "tenon"

    package init(_ path: String, lanes: Lanes) {
        self.path = path
        self.lanes = lanes
    }

    /// Throws what would be thrown only after the work is done: for a place that is taken, or holds an input.
    func check(inputs: [String]) throws(Failure) {
        guard path != "-" else { return }
        try Outputs.checkApart(path, from: inputs)
        try Outputs.checkFree(path, replaces: replaces)
    }

    /// As many as the memory allows to work on a target each, one at least.
    func lanes(_ targets: [TargetOfAdapters], _ work: TargetWork) -> Lanes {
        Lanes(count: memory.lanes(wanted: min(lanes.count, max(1, targets.count)), perLane: most(targets, work)))
    }

    /// What the job holds: the factors of the result, and those of the targets that are worked on.
    func memoryBytes(_ targets: [TargetOfAdapters], _ work: TargetWork, results: [RoundedFactors?]) -> Int {
        Outputs.memory(lanes: lanes) + most(targets, work) * lanes(targets, work).count
            + results.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    }

    private func most(_ targets: [TargetOfAdapters], _ work: TargetWork) -> Int {
        targets.map { $0.memory(in: work) }.max() ?? 0
    }

    /// Writes the adapter, or only finds out what it would take.
    func write(_ adapter: Adapter, _ times: inout StageTimes) throws(Failure) -> Trailer {
        let output: OutputFile =
            if isDryRun { .discarded() } else if path == "-" { .standardOutput() } else {
                try OutputFile.create(at: path, replacing: replaces)
            }
        let trailer = try ContainerWriter(compression: compression, lanes: lanes).write(adapter, to: output)
        times.end("encode")
        if !isDryRun { try output.commit() }
        times.end("commit")
        return trailer
    }
}
