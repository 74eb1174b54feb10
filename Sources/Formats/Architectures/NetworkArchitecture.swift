package import Checkpoints
package import Diagnostics
import Files
package import JSON

/// A model that can be trained, for a task, as its `config.json` describes it. No weights.
package struct NetworkArchitecture: Hashable, Sendable {
    /// How its blocks are built.
    package enum Family: Hashable, Sendable {
        /// The LLaMA family.
        case decoder(DecoderArchitecture)
        case gpt2(NormedStack)
        /// BERT, RoBERTa and DistilBERT.
        case encoder(NormedStack)
    }

    package let family: Family
    package let task: ModelTask
    /// All its modules, with those of the head that the task wants.
    package let modules: Architecture
    /// How many classes there are; 1 for a number, and for tasks without classes.
    package let labels: Int
    /// Whether the config is of a model for this task.
    package let isOwnTask: Bool
    /// Whether it is known how many classes there are: the config is of a model with a head for this task, or they were given.
    package private(set) var namesClasses: Bool
    /// What the config calls the classes, in the order of their numbers; nil where it does not say.
    package let classNames: [String]?
    /// How many tokens a row may have.
    package let maximumLength: Int

    /// The most classes that can be told apart.
    package static let mostClasses = 1 << 16
    package static let modelTypes = DecoderSizes.modelTypes + ["gpt2"] + encoderTypes
    private static let encoderTypes = ["bert", "roberta", "distilbert"]

    package var modelType: String { modules.modelType }
    package var hiddenSize: Int { modules.hiddenSize }
    package var vocabularySize: Int { modules.vocabularySize }
    package var layers: Int { modules.layers }
    /// All of its blocks are alike.
    package var stack: BlockStack { modules.stacks[0] }
    package var tiesEmbeddings: Bool { modules.modules.contains { $0.isTied } }
    /// How many parts of a row its tokens can belong to.
    package var typeCount: Int {
        modules.embeddings.first { $0.path.hasSuffix("token_type_embeddings") }?.inputs ?? 1
    }
    /// Whether norms come after the sums of a block.
    package var hasNormsAfter: Bool { if case .encoder = family { true } else { false } }
    /// Whether a method can put tokens of its own in front of every row.
    package var takesVirtualTokens: Bool {
        if case .decoder = family { task == .causal } else { false }
    }

    /// Reads a `config.json`. Without a `task` it is the one that the config names, or else for which the family is known;
    /// `labels` counts the classes where the config is not to.
    ///
    /// Throws ``Failure/Code/unknownArchitecture`` naming what is known, ``Failure/Code/configInvalid`` for sizes that
    /// are missing or do not fit each other, and ``Failure/Code/usage`` for a task that the family has no head for.
    package init(_ config: JSONValue, task: ModelTask? = nil, labels: Int? = nil) throws(Failure) {
        let type = config["model_type"]?.string
        guard let type, Self.modelTypes.contains(type) else {
            throw Failure(
                .unknownArchitecture, "models of this architecture cannot be trained yet",
                object: type ?? "config.json without model_type", expected: Self.modelTypes.joined(separator: ", "))
        }
        let own = Self.task(config, type)
        let task = task ?? own
        isOwnTask = task == own
        namesClasses = task == own || labels != nil
        try Self.checkProblem(config, task)
        let reader = ConfigReader(config)
        switch type {
        case "gpt2": family = .gpt2(try NormedStack(reader, modelType: type))
        case _ where Self.encoderTypes.contains(type): family = .encoder(try NormedStack(reader, modelType: type))
        default: family = .decoder(try DecoderArchitecture(config))
        }
        let isOfClasses = task == .classification || task == .tokenClassification
        var count = 1
        if isOfClasses { if let labels { count = labels } else { count = try reader.labels() } }
        guard !isOfClasses || (2...Self.mostClasses).contains(count) else {
            throw Failure(
                .usage, "so many classes cannot be told apart", object: "num_labels",
                expected: "2 to \(Self.mostClasses)",
                actual: "\(count)",
                hint: "a number for each row is --task regression; --new-head makes a head for the classes of the data")
        }
        self.labels = count
        classNames = isOfClasses ? Self.names(config["id2label"]?.object, count: count) : nil
        var members = config.object ?? JSONObject()
        members["num_labels"] = JSONValue(count)
        do throws(Failure) {
            modules = try Architecture(.object(members), head: task.head)
        } catch {
            guard error.code == .usage else { throw error }
            throw Failure(
                .usage, "models of this type are not for this task", object: type, actual: task.rawValue,
                hint: task == .causal ? "--task says what else they are for" : nil)
        }
        self.task = task
        maximumLength = try Self.maximumLength(family, modules)
    }

    /// The same for classes that are yet to be named.
    package func withoutClasses() -> Self {
        var other = self
        other.namesClasses = false
        return other
    }

    /// Reads the `config.json` of a model's folder.
    package init(of checkpoint: Checkpoint, task: ModelTask? = nil, labels: Int? = nil) throws(Failure) {
        let path = Paths.joined(checkpoint.folder, "config.json")
        guard checkpoint.companions.contains("config.json") else {
            throw Failure(
                .configMissing, "the base has no config.json, which says what kind of model it is",
                path: checkpoint.path, hint: "name the model's folder as it was downloaded")
        }
        let file = try InputFile(path: path)
        guard file.size <= JSONLimits.byteCount else {
            throw Failure(.jsonLimit, "the config is too long", path: path)
        }
        do throws(Failure) {
            try self.init(JSONValue.parse(file.read(at: 0, count: file.size), path: path), task: task, labels: labels)
        } catch {
            throw error.code == .usage ? error : error.at(path: path)
        }
    }

    /// What the config says, and no more than there are learned positions for.
    private static func maximumLength(_ family: Family, _ modules: Architecture) throws(Failure) -> Int {
        let most = modules.maximumLength ?? 2048
        guard case .encoder(let stack) = family,
            let positions = modules.embeddings.first(where: { $0.path.hasSuffix("position_embeddings") })?.inputs
        else { return most }
        guard positions > stack.firstPosition else {
            throw Failure(
                .configInvalid, "there is no position behind that of the padding", object: "max_position_embeddings",
                expected: "more than \(stack.firstPosition)", actual: "\(positions)")
        }
        return min(most, positions - stack.firstPosition)
    }

    private static func names(_ members: JSONObject?, count: Int) -> [String]? {
        let names = (0..<count).compactMap { members?["\($0)"]?.string }
        return names.count == count ? names : nil
    }

    /// Throws ``Failure/Code/unknownArchitecture`` for a head that is trained otherwise.
    private static func checkProblem(_ config: JSONValue, _ task: ModelTask) throws(Failure) {
        guard task == .classification, config["problem_type"]?.string == "multi_label_classification" else { return }
        throw Failure(
            .unknownArchitecture, "models that give rows several classes cannot be trained yet", object: "problem_type",
            expected: "single_label_classification", actual: "multi_label_classification")
    }

    private static func task(_ config: JSONValue, _ type: String) -> ModelTask {
        let name = config["architectures"]?.array?.first?.string ?? ""
        if name.hasSuffix("ForSequenceClassification") {
            let isNumber = config["problem_type"]?.string == "regression" || config["num_labels"]?.int == 1
            return isNumber || config["id2label"]?.object?.count == 1 ? .regression : .classification
        }
        if name.hasSuffix("ForTokenClassification") { return .tokenClassification }
        return encoderTypes.contains(type) ? .masked : .causal
    }
}
