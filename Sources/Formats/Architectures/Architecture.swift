package import Diagnostics
package import JSON

/// A model as its `config.json` describes it: all its modules with the shapes of their tensors, and no weights. One family
/// of models per file, in `Families/`.
package struct Architecture: Hashable, Sendable {
    package let modelType: String
    package let head: ModelHead
    package let modules: [ModuleShape]
    /// Of the vectors of tokens.
    package let hiddenSize: Int
    package let vocabularySize: Int
    /// The blocks that repeat, an encoder's before a decoder's.
    package let stacks: [BlockStack]
    /// What is adapted where nothing is said.
    package let defaults: DefaultTargets
    /// How many tokens a row may have; nil where positions have no end.
    package let maximumLength: Int?
    /// The type that the config says its weights have: "bfloat16"; nil where it says none.
    package let dtypeName: String?

    /// Reads a `config.json`. `head` is what the model ends in; nil for what its family is known for.
    ///
    /// Throws ``Failure/Code/unknownArchitecture`` naming what is known, and ``Failure/Code/configInvalid`` for sizes that
    /// are missing, impossible or do not fit each other.
    package init(_ config: JSONValue, head: ModelHead? = nil) throws(Failure) {
        guard config.object != nil else {
            throw Failure(.configInvalid, "the config is no JSON object", actual: "\(config.kind)")
        }
        let type = config["model_type"]?.string
        guard let type, let family = ArchitectureFamily.all.first(where: { $0.modelTypes.contains(type) }) else {
            throw Failure(
                .unknownArchitecture, "the shapes of models of this type are not known",
                object: type.map { "model_type \($0)" } ?? "config.json without model_type",
                expected: ArchitectureFamily.all.flatMap(\.modelTypes).joined(separator: ", "))
        }
        let head = head ?? family.heads[0]
        guard family.heads.contains(head) else {
            throw Failure(
                .usage, "models of type \(type) have no such head here", object: head.rawValue,
                expected: family.heads.map(\.rawValue).joined(separator: ", "))
        }
        let layout = try family.layout(ConfigReader(config), type, head)
        modelType = type
        self.head = head
        modules = layout.list.modules
        hiddenSize = layout.hiddenSize
        vocabularySize = layout.vocabularySize
        stacks = layout.stacks
        defaults = layout.defaults
        maximumLength = layout.maximumLength
        dtypeName = config["dtype"]?.string ?? config["torch_dtype"]?.string
    }
}

/// What a model ends in.
package enum ModelHead: String, Sendable, CaseIterable {
    /// Nothing: its last vectors.
    case none
    /// A score of every token of the vocabulary.
    case lm
    /// The same for tokens that were masked.
    case maskedLM = "masked-lm"
    case sequenceClassification = "sequence-classification"
    case tokenClassification = "token-classification"

    package var isClassification: Bool { self == .sequenceClassification || self == .tokenClassification }
}

/// Equal blocks one after the other.
package struct BlockStack: Hashable, Sendable {
    package let layers: Int
    package let heads: Int
    /// Those of keys and values.
    package let keyHeads: Int
    package let headSize: Int
    /// Of the MLP's inner product.
    package let innerSize: Int
    /// Whether the MLP's inner product is of two layers, one of them through the activation.
    package let isGated: Bool
    /// Whether attention and MLP take the same input and their outputs are added together.
    package var isParallel = false
    /// Whether its blocks also attend to an encoder.
    package var hasCrossAttention = false

    package var keyWidth: Int { keyHeads * headSize }
    package var queryWidth: Int { heads * headSize }
    /// Attentions and MLPs of one block.
    package var subLayers: Int { hasCrossAttention ? 3 : 2 }
}

/// What a family reads from a config.
struct ArchitectureLayout {
    var list = ModuleList()
    let hiddenSize: Int
    let vocabularySize: Int
    let stacks: [BlockStack]
    let defaults: DefaultTargets
    /// How many tokens a row may have; nil where positions have no end.
    var maximumLength: Int?
}

/// Models that are built alike.
struct ArchitectureFamily: Sendable {
    /// The `model_type`s that are of it.
    let modelTypes: [String]
    /// What its models may end in, first what they end in where nothing is said.
    let heads: [ModelHead]
    let layout: @Sendable (ConfigReader, String, ModelHead) throws(Failure) -> ArchitectureLayout

    static let all: [ArchitectureFamily] = [
        llama, gpt2, bert, roberta, distilBERT, t5, bloom, falcon, chatGLM, debertaV2,
    ]
}

// MARK: What is in it

extension Architecture {
    /// All its linear layers, the head's too.
    package var linears: [LinearSite] {
        modules.compactMap { module in
            guard case .linear(let outputs, let inputs, _) = module.kind else { return nil }
            return LinearSite(
                path: module.path, outputs: outputs, inputs: inputs, hasBias: module.tensors.count == 2,
                part: module.part, isEmbedding: false)
        }
    }

    /// All its embeddings, those of positions too.
    package var embeddings: [LinearSite] {
        modules.compactMap { module in
            guard case .embedding(let rows, let width) = module.kind else { return nil }
            return LinearSite(
                path: module.path, outputs: width, inputs: rows, hasBias: false, part: module.part, isEmbedding: true)
        }
    }

    /// How many blocks, and their attentions and MLPs, there are in all stacks.
    package var layers: Int { stacks.reduce(0) { $0 + $1.layers } }

    /// Its tensors by module, those of the same module in all layers together, and tied ones left out.
    package var groups: [TensorGroup] {
        tensors { module, tensor in !(module.isTied && tensor.name == "weight") }
    }

    /// The tensors that are wanted, those of the same module in all layers together.
    package func tensors(where isWanted: (ModuleShape, TensorShape) -> Bool) -> [TensorGroup] {
        var groups: [TensorGroup] = []
        var places: [TensorGroup: Int] = [:]
        for module in modules {
            let wanted = module.tensors.filter { isWanted(module, $0) }
            if wanted.isEmpty { continue }
            let key = TensorGroup(module.pattern, wanted)
            if let place = places[key] {
                groups[place] = TensorGroup(key.name, copies: groups[place].copies + 1, wanted)
            } else {
                places[key] = groups.count
                groups.append(key)
            }
        }
        return groups
    }

    /// How many numbers it has, tied ones once.
    package func parameterCount() throws(Failure) -> Int {
        try Formula.sum(groups.map(\.formula)).value()
    }
}
