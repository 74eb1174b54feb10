import ArgumentParser
import Checkpoints
import DeltaAlgebra
import Diagnostics
import JSON
import Packaging
import Recipes
import Tensors

/// What only merges by a recipe take.
struct RecipeOptions: ParsableArguments {
    @Flag(help: "With --recipe: merge elements that are infinite or NaN all the same; they become NaN.")
    var allowNan = false

    @Option(help: ArgumentHelp("With --recipe: write shards of at most this size (default: 5GB).", valueName: "size"))
    var shardSize: ByteSize?

    @Flag(help: "With --recipe: go on with what an interrupted run left.")
    var resume = false
}

extension Merge {
    /// Merges the checkpoints of a recipe.
    func runRecipe(_ path: String) throws {
        let console = shared.console
        var planner = RecipePlanner(lanes: shared.lanes)
        planner.seed = seed ?? planner.seed
        planner.cache = .standard()
        planner.tool = "tenon \(Version.number)"
        let plan = try planner.plan(Recipe(path: path))
        var job = MergeJob(lanes: shared.lanes)
        if let shardSize = recipeOptions.shardSize { job.shardByteCount = shardSize.bytes }
        job.replaces = output.force
        job.resumes = recipeOptions.resume
        job.isDryRun = output.dryRun
        job.memoryByteCount = shared.memory.bytes
        job.allowsUnusable = recipeOptions.allowNan
        let report = try tellingHowToGoOn { () throws(Failure) in try job.run(plan, to: output.output) }
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result(report.document(output: output.output))
        } else {
            report.lines(output: output.output, isDryRun: output.dryRun).forEach { console.result($0) }
        }
        if shared.verbose { console.tell(report.times) }
    }
}

extension MergeJob.Report {
    fileprivate func document(output: String) -> JSONValue {
        [
            "output": .string(output), "files": .array(files.map { .string($0) }), "bytes": JSONValue(byteCount),
            "tensors": JSONValue(tensorCount), "mergedTensors": JSONValue(mergedCount),
            "memoryBytes": JSONValue(memoryBytes),
            "warnings": .array(findings.map { .string($0.description) }),
        ]
    }

    fileprivate func lines(output: String, isDryRun: Bool) -> [String] {
        let noun = files.count == 1 ? "file" : "files"
        var lines = [
            "\(isDryRun ? "would write" : "wrote") \(output): \(ByteSize.text(byteCount)) in \(files.count) \(noun)"
                .escapedForTerminal,
            "\(isDryRun ? "would merge" : "merged") \(mergedCount) tensors, and \(isDryRun ? "copy" : "copied") \(tensorCount - mergedCount)",
        ]
        if isDryRun { lines.append("with at most \(ByteSize.text(memoryBytes)) of memory") }
        return lines
    }
}
