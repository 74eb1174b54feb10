import Adapters
import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Packaging

enum Compatibility: String, ExpressibleByArgument, CaseIterable {
    case peft
}

extension PEFTCombination.Sign: ExpressibleByArgument {}

/// What only merges of adapters take.
struct AdapterMergeFlags: ParsableArguments {
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

    @Option(help: ArgumentHelp("The share of elements to keep (default: 1).", valueName: "share"))
    var density: Double?

    @Option(help: ArgumentHelp("della: how far chances are from the density (default: 0.15).", valueName: "x"))
    var epsilon: Double?

    @Option(
        help: ArgumentHelp(
            "breadcrumbs: the share of the largest elements to drop (default: 0.01).", valueName: "share"))
    var gamma: Double?

    @Option(help: ArgumentHelp("sce: the share of elements to select (default: 1).", valueName: "share"))
    var selectTopk: Double?

    @Option(help: ArgumentHelp("karcher: how often the mean is improved at most (default: 10).", valueName: "n"))
    var maxIter: Int?

    @Option(help: ArgumentHelp("karcher: the step that ends it (default: 1e-5).", valueName: "x"))
    var tol: Double?

    @Option(help: ArgumentHelp("Of the factors: bf16, f16 or f32 (default: f32).", valueName: "dtype"))
    var dtype: FactorType?

    @Option(
        help: ArgumentHelp(
            "Whether adapters must have one base: strict, shapes or off (default: strict).", valueName: "check"))
    var baseCheck: BaseCheck?

    @Option(help: ArgumentHelp("Whose arithmetic: peft.", valueName: "tool"))
    var compat: Compatibility?

    @Option(
        help: ArgumentHelp(
            "With --compat peft, see above (default: linear); --merge-method does as well.", valueName: "type"))
    var combinationType: String?

    @Option(help: ArgumentHelp("With --compat peft: total or frequency (default: total).", valueName: "sign"))
    var majoritySignMethod: PEFTCombination.Sign?

    /// Those that not every method takes, and were given.
    private var settings: [AdapterMergeSetting] {
        let all: [(AdapterMergeSetting, Bool)] = [
            (.weights, weights != nil || !weightPattern.isEmpty), (.rank, rank != nil), (.density, density != nil),
            (.epsilon, epsilon != nil), (.gamma, gamma != nil), (.selectTopk, selectTopk != nil),
            (.maxIter, maxIter != nil), (.tol, tol != nil), (.majoritySignMethod, majoritySignMethod != nil),
        ]
        return all.filter(\.1).map(\.0)
    }

    /// The names of all that were given.
    var given: [String] {
        let others = [
            ("merge-method", mergeMethod != nil), ("combination-type", combinationType != nil),
            ("compat", compat != nil), ("dtype", dtype != nil), ("base-check", baseCheck != nil),
        ]
        return others.filter(\.1).map(\.0) + settings.map(\.rawValue)
    }

    func way() throws -> AdapterMergeJob.Way {
        guard compat == .peft else {
            guard combinationType == nil else {
                throw Failure(.usage, "--combination-type is PEFT's", hint: "--compat peft, or --merge-method")
            }
            return .method(try AdapterMergeMethod.named(mergeMethod ?? "linear"))
        }
        guard mergeMethod == nil || combinationType == nil else {
            throw Failure(.usage, "--merge-method and --combination-type say the same", hint: "give one of them")
        }
        return .peft(
            try PEFTCombination(combinationType ?? mergeMethod ?? "linear", sign: majoritySignMethod ?? .total))
    }

    /// Throws for what the way has no use for.
    func options(for way: AdapterMergeJob.Way, count: Int, seed: UInt64?) throws -> AdapterMergeOptions {
        let unused = (settings + (seed == nil ? [] : [.seed])).first { !way.settings.contains($0) }
        if let unused {
            let own = AdapterMergeSetting.allCases.filter(way.settings.contains).map { "--\($0.rawValue)" }
            throw Failure(
                .usage, "\(way.word) has no use for --\(unused.rawValue)",
                hint: own.isEmpty ? "leave it out" : "it takes \(own.joined(separator: ", "))")
        }
        var options = AdapterMergeOptions()
        options.rank = rank
        options.dtype = (dtype ?? .f32).dtype
        options.density = density ?? options.density
        options.epsilon = epsilon ?? options.epsilon
        options.gamma = gamma ?? options.gamma
        options.selectTopk = selectTopk ?? options.selectTopk
        options.rounds = maxIter ?? options.rounds
        options.tolerance = tol ?? options.tolerance
        options.seed = seed ?? options.seed
        options.baseCheck = baseCheck ?? options.baseCheck
        options.patterns = try weightPattern.map { text in
            // A pattern may hold an equals sign, weights do not.
            guard let place = text.lastIndex(of: "=") else {
                throw Failure(.usage, "a pattern has no weights", expected: "such as q_proj=1,0", actual: text)
            }
            let weights = try AdapterWeights.parse(
                String(text[text.index(after: place)...]), scale: 1, count: count)
            return try WeightPattern(String(text[..<place]), weights: weights)
        }
        return options
    }

    func weights(count: Int) throws -> [Double] {
        guard let weights else { return [Double](repeating: 1 / Double(count), count: count) }
        return try AdapterWeights.parse(weights, scale: 1, count: count)
    }
}

extension AdapterOutput {
    /// As the command line has it.
    init(_ options: OutputOptions, _ compression: Compression, _ shared: SharedOptions) {
        self.init(options.output, lanes: shared.lanes)
        self.compression = compression
        memory = MemoryBudget(bytes: shared.memory.bytes)
        replaces = options.force
        isDryRun = options.dryRun
        tool = "tenon \(Version.number)"
    }
}
