package import Adapters
package import Architectures
package import Diagnostics

/// A way to tune a model that a plan has figures for: a ``Method``, a variant of one that its config asks for, or one
/// whose result is no adapter of ours.
package struct PlannedMethod: Sendable {
    /// The word on the command line.
    package let word: String
    /// The name people use.
    package let name: String
    /// What its adapters are; nil where they are none of ours.
    package let method: Method?
    package let sizing: Sizing
    /// The config keys that it has where it is no method.
    private let ownKeys: Set<String>
    /// What makes it this variant of its method: another value would make it another.
    private let preset: Parameters
    /// What its config has besides where nothing is said.
    private let usual: Parameters
    /// Whether the base lies in memory in four bits.
    let quantizesBase: Bool
    /// Whether its result is a whole model, which needs no base beside it.
    package let isWholeModel: Bool

    init(
        word: String, name: String, sizing: Sizing, keys: Set<String> = [], isWholeModel: Bool = false
    ) {
        self.word = word
        self.name = name
        method = nil
        self.sizing = sizing
        ownKeys = keys
        preset = [:]
        usual = [:]
        quantizesBase = false
        self.isWholeModel = isWholeModel
    }

    private init(
        _ method: Method, _ sizing: Sizing, word: String? = nil, name: String? = nil, preset: Parameters = [:],
        usual: Parameters = [:], quantizesBase: Bool = false
    ) {
        self.word = word ?? method.word
        self.name = name ?? method.name
        self.method = method
        self.sizing = sizing
        ownKeys = []
        self.preset = preset
        self.usual = usual
        self.quantizesBase = quantizesBase
        isWholeModel = false
    }

    /// All, full fine-tuning first, then LoRA and its variants.
    package static let all: [PlannedMethod] = {
        let methods = Method.all.compactMap { method in method.sizing.map { PlannedMethod(method, $0) } }
        let variants = Method.lora.sizing.map { sizing in
            [
                PlannedMethod(.lora, sizing, word: "rslora", name: "rsLoRA", preset: ["use_rslora": true]),
                PlannedMethod(.lora, sizing, word: "dora", name: "DoRA", preset: ["use_dora": true]),
                PlannedMethod(
                    .lora, sizing, word: "qlora", name: "QLoRA", usual: ["target_modules": "all-linear"],
                    quantizesBase: true),
            ]
        }
        return [full] + methods.prefix(1) + (variants ?? []) + methods.dropFirst() + [
            llamaAdapter, bitFit, houlsby, pfeiffer,
        ]
    }()

    package static func named(_ word: String) throws(Failure) -> PlannedMethod {
        guard let found = all.first(where: { $0.word == word }) else {
            throw Failure(
                .usage, "a plan does not know this method", actual: word,
                hint: all.map(\.word).joined(separator: ", "))
        }
        return found
    }

    /// Whether its config has this key.
    package func knows(_ key: String) -> Bool { method?.key(key) != nil || ownKeys.contains(key) }

    /// The tensors that it has in a model, whole modules that the config trains besides among them.
    ///
    /// Throws ``Failure/Code/usage`` and ``Failure/Code/badParameter`` for a config that does not fit the model, or that is
    /// one of another method.
    package func size(in architecture: Architecture, _ parameters: Parameters) throws(Failure) -> AdapterSize {
        try method?.validate(parameters)
        for member in preset.members where parameters[member.key] != member.value {
            throw Failure(
                .usage, "the method would be another with this value", object: member.key,
                expected: member.value.summary, actual: parameters[member.key]?.summary)
        }
        let input = input(architecture, parameters)
        var size = try sizing.size(input)
        guard !isWholeModel else { return size }
        let saved = try input.savedModules()
        size.added += saved
        size.stored? += saved
        return size
    }

    /// The keys of a map of patterns that no target takes a value from.
    func unusedPatterns(
        _ key: String, in architecture: Architecture, _ parameters: Parameters
    ) throws(Failure) -> [String] {
        try input(architecture, parameters).unusedPatterns(key)
    }

    private func input(_ architecture: Architecture, _ parameters: Parameters) -> SizingInput {
        SizingInput(architecture, parameters, method: method?.word ?? word)
    }

    /// Its config where nothing is said.
    package var standard: Parameters {
        var parameters = sizing.standard
        for member in preset.members + usual.members { parameters[member.key] = member.value }
        return parameters
    }
}
