import Adapters
import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import JSON
import Packaging

struct Merge: ParsableCommand, Exemplified {
    static let example = "tenon merge my-adapter.tenon my-second.tenon -o both.tenon --merge-method svd"

    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Make one adapter of several, or one checkpoint by a recipe.",
        discussion: """
            Changes of low rank are added as they are, never their factors: cat keeps all factors one beside the other, \
            linear and svd cut the sum to its rank. slerp, karcher and model-stock go by the angles between the changes; \
            ties, magnitude-prune, dare, dare-ties, della, della-linear, breadcrumbs, breadcrumbs-ties and sce keep some \
            elements, as they look from the singular vectors of all. The result is a LoRA. (IA)³ vectors are averaged, and \
            virtual tokens put one after another, by linear and cat.

            With --compat peft it is what PEFT's add_weighted_adapter makes of --combination-type svd, linear, cat, ties, \
            ties_svd, dare_ties, dare_linear, dare_ties_svd, dare_linear_svd, magnitude_prune or magnitude_prune_svd.

            Words of methods may be written with hyphens or underscores. An option that the method has no use for is refused.
            """)

    @Argument(help: ArgumentHelp("Containers, or PEFT folders.", valueName: "x.tenon"))
    var adapters: [String] = []

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("Merge checkpoints by a recipe of mergekit's.", valueName: "file"))
    var recipe: String?

    @OptionGroup var adapterOptions: AdapterMergeFlags

    @Option(help: ArgumentHelp("Of what is drawn at random (default: 0).", valueName: "n"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp("Of an adapter, how much time to spend on size: fast, default or max.", valueName: "effort"))
    var compression = Compression.standard

    @OptionGroup var recipeOptions: RecipeOptions

    @OptionGroup var shared: SharedOptions

    func run() throws {
        if let recipe {
            let stray = adapterOptions.given.first.map { "--\($0)" } ?? (adapters.isEmpty ? nil : "adapters beside it")
            if let stray {
                throw Failure(
                    .usage, "a recipe says itself what is merged, and how", actual: stray,
                    hint: "write it into the recipe")
            }
            return try runRecipe(recipe)
        }
        guard !recipeOptions.allowNan, !recipeOptions.resume, recipeOptions.shardSize == nil else {
            throw Failure(.usage, "--allow-nan, --resume and --shard-size are for merges by --recipe")
        }
        guard !adapters.isEmpty else {
            throw Failure(.usage, "there is nothing to merge", hint: "name adapters, or a --recipe")
        }
        var console = shared.console
        console.resultsToStandardError = output.output == "-"
        let way = try adapterOptions.way()
        var job = AdapterMergeJob(way, output: AdapterOutput(output, compression, shared))
        job.options = try adapterOptions.options(for: way, count: adapters.count, seed: seed)
        let weights = try adapterOptions.weights(count: adapters.count)
        let opened = try zip(adapters, weights).map { path, weight in
            try AdapterSource.open(path, weight: weight, shared: shared)
        }
        let report = try job.run(opened)
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result(document(report, way, weights))
        } else {
            lines(report).forEach { console.result($0) }
        }
        if shared.verbose { console.tell(report.times) }
    }

    private func document(
        _ report: AdapterMergeJob.Report, _ way: AdapterMergeJob.Way, _ weights: [Double]
    ) -> JSONValue {
        [
            "output": .string(output.output), "method": .string(way.word),
            "weights": .array(weights.map { JSONValue($0) }), "storedBytes": JSONValue(report.storedBytes),
            "leftOutShare": JSONValue(report.leftOut),
            "tensors": .array(
                report.targets.map { target in
                    [
                        "name": .string(target.name), "rank": JSONValue(target.rank),
                        "ranks": .array(target.ranks.map { JSONValue($0) }),
                        "leftOutShare": JSONValue(target.leftOut),
                    ]
                }),
            "contentDigest": .string("\(report.contentDigest)"),
            "baseRoot": report.base.map { .string("\($0.root)") } ?? nil,
            "memoryBytes": JSONValue(report.memoryBytes),
            "warnings": .array(report.findings.map { .string($0.description) }),
        ]
    }

    private func lines(_ report: AdapterMergeJob.Report) -> [String] {
        let verb = output.dryRun ? "would write" : "wrote"
        var lines = ["\(verb) \(output.output): \(ByteSize.text(report.storedBytes))".escapedForTerminal]
        let ranks = report.targets.map(\.rank).filter { $0 > 0 }
        if let least = ranks.min(), let most = ranks.max() {
            let rank = least == most ? "\(most)" : "\(least) to \(most)"
            lines.append("\(ranks.count) modules of rank \(rank), \(report.leftOut.scientific) of the energy left out")
        }
        lines.append("content \(report.contentDigest)")
        if output.dryRun { lines.append("with at most \(ByteSize.text(report.memoryBytes)) of memory") }
        return lines
    }
}
