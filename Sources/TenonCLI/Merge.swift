import Adapters
import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import JSON
import Packaging

enum Compatibility: String, ExpressibleByArgument, CaseIterable {
    case peft
}

extension PEFTCombination.Sign: ExpressibleByArgument {}

struct Merge: ParsableCommand, Exemplified {
    static let example = "tenon merge my-adapter.tenon my-second.tenon -o both.tenon --merge-method svd"

    static let configuration = CommandConfiguration(
        abstract: "Make one adapter of several, or one checkpoint by a recipe.",
        discussion: """
            Changes of low rank are added as they are, never their factors: cat keeps all factors one beside the other, \
            linear and svd cut the sum to its rank. slerp, karcher and model-stock go by the angles between the changes; \
            ties, magnitude-prune, dare, dare-ties, della, della-linear, breadcrumbs, breadcrumbs-ties and sce keep some \
            elements, as they look from the singular vectors of all. The result is a LoRA. (IA)³ vectors are averaged, and \
            virtual tokens put one after another, by linear and cat.

            With --compat peft it is what PEFT's add_weighted_adapter makes of --combination-type svd, linear, cat, ties, \
            ties_svd, dare_ties, dare_linear, dare_ties_svd, dare_linear_svd, magnitude_prune or magnitude_prune_svd.
            """)

    @Argument(help: ArgumentHelp("Containers, or PEFT folders.", valueName: "x.tenon"))
    var adapters: [String] = []

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("Merge checkpoints by a recipe of mergekit's.", valueName: "file"))
    var recipe: String?

    @Option(help: ArgumentHelp("See above (default: linear).", valueName: "method"))
    var mergeMethod: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "A weight for each adapter, such as 0.7,0.3 (default: the same for all, one together).", valueName: "list"))
    var weights: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Weights of the modules that a pattern matches, such as 'q_proj=1,0'; the first that matches counts.",
            valueName: "pattern"))
    var weightPattern: [String] = []

    @Option(help: ArgumentHelp("The rank of every module (default: what the sum has).", valueName: "n"))
    var rank: Int?

    @Option(help: ArgumentHelp("The share of elements to keep.", valueName: "share"))
    var density = 1.0

    @Option(help: ArgumentHelp("della: how far chances are from the density.", valueName: "x"))
    var epsilon = 0.15

    @Option(help: ArgumentHelp("breadcrumbs: the share of the largest elements to drop.", valueName: "share"))
    var gamma = 0.01

    @Option(help: ArgumentHelp("sce: the share of elements to select.", valueName: "share"))
    var selectTopk = 1.0

    @Option(help: ArgumentHelp("karcher: how often the mean is improved at most.", valueName: "n"))
    var maxIter = 10

    @Option(help: ArgumentHelp("karcher: the step that ends it.", valueName: "x"))
    var tol = 1e-5

    @Option(help: ArgumentHelp("Of what is drawn at random.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("Of the factors: bf16, f16 or f32.", valueName: "dtype"))
    var dtype = FactorType.f32

    @Option(help: ArgumentHelp("Whether adapters must have one base: strict, shapes or off.", valueName: "check"))
    var baseCheck = BaseCheck.strict

    @Option(help: ArgumentHelp("Whose arithmetic: peft.", valueName: "tool"))
    var compat: Compatibility?

    @Option(
        help: ArgumentHelp(
            "With --compat peft, see above (default: linear); --merge-method does as well.", valueName: "type"))
    var combinationType: String?

    @Option(help: ArgumentHelp("With --compat peft: total or frequency.", valueName: "sign"))
    var majoritySignMethod = PEFTCombination.Sign.total

    @Option(help: ArgumentHelp("How much time to spend on size: fast, default or max.", valueName: "effort"))
    var compression = Compression.standard

    @OptionGroup var recipeOptions: RecipeOptions

    @OptionGroup var shared: SharedOptions

    func run() throws {
        if let recipe {
            guard adapters.isEmpty, mergeMethod == nil, combinationType == nil, compat == nil, weights == nil,
                weightPattern.isEmpty, rank == nil, density == 1
            else {
                throw Failure(
                    .usage, "a recipe says itself what is merged, and how",
                    actual: "adapters or their options beside it",
                    hint: "write them into the recipe")
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
        var job = AdapterMergeJob(try way(), lanes: shared.lanes)
        job.options = try options()
        job.compression = compression
        job.memory = MemoryBudget(bytes: shared.memory.bytes)
        job.replaces = output.force
        job.isDryRun = output.dryRun
        job.tool = "tenon \(Version.number)"
        let weights =
            try weights.map { try AdapterWeights.parse($0, scale: 1, count: adapters.count) }
            ?? [Double](repeating: 1 / Double(adapters.count), count: adapters.count)
        let opened = try zip(adapters, weights).map { path, weight in
            try AdapterSource.open(path, weight: weight, shared: shared)
        }
        let report = try job.run(opened, output: output.output)
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result(document(report, weights))
        } else {
            lines(report).forEach { console.result($0) }
        }
        if shared.verbose { console.tell(report.times) }
    }

    private func way() throws -> AdapterMergeJob.Way {
        guard compat == .peft else {
            guard combinationType == nil else {
                throw Failure(.usage, "--combination-type is PEFT's", hint: "--compat peft, or --merge-method")
            }
            return .method(try AdapterMergeMethod.named(mergeMethod ?? "linear"))
        }
        guard mergeMethod == nil || combinationType == nil else {
            throw Failure(.usage, "--merge-method and --combination-type say the same", hint: "give one of them")
        }
        return .peft(try PEFTCombination(combinationType ?? mergeMethod ?? "linear", sign: majoritySignMethod))
    }

    private func options() throws -> AdapterMergeOptions {
        var options = AdapterMergeOptions()
        options.rank = rank
        options.dtype = dtype.dtype
        let method = mergeMethod ?? "linear"
        if compat == nil, density != 1,
            ["cat", "linear", "svd", "slerp", "karcher", "model-stock", "sce"].contains(method)
        {
            throw Failure(.usage, "\(method) keeps all elements", actual: "--density \(density)")
        }
        options.density = density
        options.epsilon = epsilon
        options.gamma = gamma
        options.selectTopk = selectTopk
        options.rounds = maxIter
        options.tolerance = tol
        options.seed = seed
        options.baseCheck = baseCheck
        options.patterns = try weightPattern.map { text in
            // A pattern may hold an equals sign, weights do not.
            guard let place = text.lastIndex(of: "=") else {
                throw Failure(.usage, "a pattern has no weights", expected: "such as q_proj=1,0", actual: text)
            }
            let weights = try AdapterWeights.parse(
                String(text[text.index(after: place)...]), scale: 1, count: adapters.count)
            return try WeightPattern(String(text[..<place]), weights: weights)
        }
        return options
    }

    private func document(_ report: AdapterMergeJob.Report, _ weights: [Double]) -> JSONValue {
        [
            "output": .string(output.output), "method": .string(mergeMethod ?? combinationType ?? "linear"),
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
