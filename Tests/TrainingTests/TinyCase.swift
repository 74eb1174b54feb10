package import Adapters
import Architectures
import Checkpoints
import Diagnostics
import Insertions
import Kernels
import Layers
import Networks
import Support
import Testing
import Training

/// A method with a config, tried out on a tiny base.
struct TinyCase: Sendable, CustomTestStringConvertible {
    let name: String
    let method: any TrainableMethod
    let base: String
    let parameters: Parameters

    init(_ name: String, _ method: any TrainableMethod, on base: String = "llama", _ changes: Parameters = [:]) {
        self.name = name
        self.method = method
        self.base = base
        var parameters = method.standard
        for member in changes.members { parameters[member.key] = member.value }
        self.parameters = parameters
    }

    var testDescription: String { "\(name) on \(base)" }

    static let dropout = TinyCase("lora with dropout", LoRA(), ["r": 4, "lora_dropout": 0.3])
    static let dora = TinyCase("dora", LoRA(), ["r": 4, "use_dora": true])
    static let adalora = TinyCase(
        "adalora", AdaLoRA(), ["init_r": 4, "target_r": 2, "tinit": 1, "tfinal": 1, "lora_dropout": 0.2])
    static let eva = TinyCase("eva", LoRA(), ["r": 4, "init_lora_weights": "eva"])
    static let pissa = TinyCase("pissa", LoRA(), ["r": 4, "init_lora_weights": "pissa", "lora_dropout": 0.2])
    static let shira = TinyCase("shira", SHiRA(), ["r": 4])

    /// Each way to train once.
    static let all = [
        TinyCase("lora", LoRA(), ["r": 4]), dropout, dora,
        TinyCase("rslora by patterns", LoRA(), ["r": 4, "use_rslora": true, "rank_pattern": ["down_proj": 2]]),
        TinyCase("lora with all biases", LoRA(), on: "qwen2", ["r": 4, "bias": "all"]),
        eva, pissa, adalora, shira, TinyCase("ia3", IA3()), TinyCase("ia3", IA3(), on: "qwen2"),
        TinyCase("prompt", PromptTuning(), ["num_virtual_tokens": 3]),
        TinyCase("prefix", PrefixTuning(), ["num_virtual_tokens": 3]),
        TinyCase(
            "prefix by an encoder", PrefixTuning(),
            ["num_virtual_tokens": 3, "prefix_projection": true, "encoder_hidden_size": 5]),
        TinyCase("adaption prompt", AdaptionPrompt(), ["adapter_len": 3]),
        TinyCase("bitfit", BitFit(), on: "qwen2"), TinyCase("ln-tuning", LNTuning()),
        TinyCase("full", FullTuning()), TinyCase("full", FullTuning(), on: "llama-tied"),
    ]

    static let bases = ["llama", "llama-tied", "qwen2", "llama3-rope", "linear-rope", "mistral"]

    /// Every method on every base that it can train.
    static let everywhere: [TinyCase] = bases.flatMap { base in
        all.map { TinyCase($0.name, $0.method, on: base, $0.parameters) }
    }.reduce(into: []) { cases, one in
        let needsBiases = one.method is BitFit && one.base != "qwen2"
        if !needsBiases, !cases.contains(where: { $0.testDescription == one.testDescription }) { cases.append(one) }
    }

    private static let normedBases: [String] = [
        "bert-classes", "bert-tokens", "bert-masked", "roberta-value", "roberta-masked", "distilbert-classes",
        "distilbert-masked", "gpt2", "gpt2-classes",
    ]

    /// Models with layer norms and learned positions, and with heads of all tasks.
    static let normed: [TinyCase] = normedBases.flatMap(everyBase) + variantBases.flatMap(variants) + single

    private static func everyBase(_ base: String) -> [TinyCase] {
        let biased: Parameters = ["r": 3, "lora_dropout": 0.3, "bias": "all"]
        return [
            TinyCase("lora", LoRA(), on: base, ["r": 3]),
            TinyCase("lora with dropout and all biases", LoRA(), on: base, biased),
            TinyCase("bitfit", BitFit(), on: base), TinyCase("ln-tuning", LNTuning(), on: base),
            TinyCase("full", FullTuning(), on: base),
        ]
    }

    private static let variantBases: [String] = ["bert-classes", "distilbert-masked", "gpt2", "gpt2-classes"]

    private static func variants(_ base: String) -> [TinyCase] {
        let ranks: Parameters = ["init_r": 4, "target_r": 2, "tinit": 1, "tfinal": 1, "lora_dropout": 0.2]
        let principal: Parameters = ["r": 3, "init_lora_weights": "pissa", "use_rslora": true]
        return [
            TinyCase("dora", LoRA(), on: base, ["r": 3, "use_dora": true]),
            TinyCase("eva", LoRA(), on: base, ["r": 3, "init_lora_weights": "eva"]),
            TinyCase("pissa", LoRA(), on: base, principal),
            TinyCase("adalora", AdaLoRA(), on: base, ranks),
        ]
    }

    private static let single: [TinyCase] = [
        TinyCase("shira", SHiRA(), on: "roberta-value", ["r": 3]),
        TinyCase("shira", SHiRA(), on: "distilbert-classes", ["r": 3]),
        scaled("bert-classes", ["key", "value", "output.dense"], ["output.dense"]),
        scaled("roberta-masked", ["key", "value", "output.dense"], ["output.dense"]),
        scaled("distilbert-classes", ["k_lin", "v_lin", "ffn.lin2"], ["ffn.lin2"]),
        scaled("gpt2", ["c_attn", "mlp.c_proj"], ["mlp.c_proj"]),
        scaled("gpt2-classes", ["c_attn", "attn.c_proj"], []),
    ]

    private static func scaled(_ base: String, _ targets: [String], _ feedForward: [String]) -> TinyCase {
        var parameters = Parameters()
        parameters["target_modules"] = .list(targets.map { .string($0) })
        parameters["feedforward_modules"] = .list(feedForward.map { .string($0) })
        return TinyCase("ia3", IA3(), on: base, parameters)
    }

    /// The rows of the goldens, as the case's base is asked.
    var batch: Batch {
        Golden.batch(for: Self.tasks[base] ?? .causal, hasTypes: base.hasPrefix("bert"))
    }

    static let tasks: [String: ModelTask] = [
        "bert-classes": .classification, "bert-tokens": .tokenClassification, "bert-masked": .masked,
        "roberta-value": .regression, "roberta-masked": .masked, "distilbert-classes": .classification,
        "distilbert-masked": .masked, "gpt2-classes": .classification,
    ]

    /// The model of this case's base, or of another, with the method in it.
    func insert<R: Real>(
        _ engine: Engine<R>, on other: Checkpoint? = nil
    ) throws -> (network: Network<R>, inserted: Inserted<R>) {
        let network = try Network<R>(of: other ?? Golden.checkpoint(base), length: 64)
        let plan = InsertionPlan(parameters: parameters, seed: 7, steps: 6)
        var inserted = try method.insert(plan, into: network.sites, engine)
        try inserted.add(network.sites.saved, plan)
        try inserted.initialize(engine) { () throws(Failure) in _ = network.loss(batch, engine) }
        return (network, inserted)
    }
}

/// A run over a tiny base, by steps.
struct TinyRun {
    let model: Network<Float>
    let inserted: Inserted<Float>
    let trainer: Trainer

    init(
        _ one: TinyCase, on base: Checkpoint? = nil, threads: Int = 1, tokensPerPass: Int = 512,
        checkpoints: Bool = false, rate: Double = 1e-2
    ) throws {
        let engine = Engine<Float>(threads: threads)
        (model, inserted) = try one.insert(engine, on: base)
        var options = TrainingOptions(one.method)
        options.optimizer.learningRate = rate
        options.seed = 3
        var memory = Trainer.PassMemory()
        memory.tokensPerPass = tokensPerPass
        memory.checkpoints = checkpoints
        trainer = Trainer(model, inserted, options, memory: memory, engine)
    }

    /// Trains those steps, each on rows of its own, and gives what it measured.
    @discardableResult
    func train(_ steps: ClosedRange<Int>, rows count: Int = 6, longest: Int = 40) throws -> [TrainingMetrics] {
        try steps.map { step in
            try trainer.step(step, on: TinyRun.rows(count, longest: longest, seed: UInt64(step)))
        }
    }

    /// The bits of all that is trained.
    var bits: [[UInt32]] { inserted.tensors.map { $0.parameter.value.values.map(\.bitPattern) } }

    /// Rows of different lengths of ids at random, some of them not asked for.
    static func rows(_ count: Int, longest: Int, seed: UInt64) -> [Row] {
        var random = RepeatableRandom(seed: seed)
        return (1...count).map { line in
            let length = line == 1 ? longest : Int.random(in: 1...longest, using: &random)
            let ids = (0..<length).map { _ in Int32.random(in: 0..<97, using: &random) }
            return Row(inputs: ids, labels: ids.map { $0 % 7 == 0 ? Batch.ignored : $0 }, line: line)
        }
    }
}

extension ParameterValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    package init(arrayLiteral elements: ParameterValue...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (String, ParameterValue)...) {
        self = .map(elements.map { Member($0.0, $0.1) })
    }
}
