import Checkpoints
import DeltaAlgebra
import Diagnostics
import Files
import JSON
import Tensors

/// The tokens of a model that have a row in its embedding.
struct ModelVocabulary: Sendable {
    let model: MergeModel
    let file: TokenizerFile
    /// More than any vocabulary has.
    private static let sizeLimit = 1 << 24

    /// Rows by token.
    let rows: [ExactKey: Int]

    /// Throws ``Failure/Code/tokenizerUnsupported`` for a model without a `tokenizer.json`.
    init(_ model: MergeModel) throws(Failure) {
        self.model = model
        let checkpoint = model.checkpoint
        guard checkpoint.companions.contains(TokenizerFile.name) else {
            throw Failure(
                .tokenizerUnsupported, "the model has no \(TokenizerFile.name), which says what its rows are",
                path: model.path, hint: "save its tokenizer again with a fast one: AutoTokenizer … save_pretrained")
        }
        file = try TokenizerFile(path: Paths.joined(checkpoint.folder, TokenizerFile.name))
        let held = model.tensors.first { EmbeddingNames.isInput($0.name) }?.source.shape.dimensions.first
        let size = max(0, min(held ?? .max, try Self.declaredSize(checkpoint) ?? .max, Self.sizeLimit))
        rows = file.ids.filter { (0..<size).contains($0.value) }
    }

    private static func declaredSize(_ checkpoint: Checkpoint) throws(Failure) -> Int? {
        let config = try CompanionText.json(ResultConfig.name, of: checkpoint)
        return config?["vocab_size"]?.int ?? config?["text_config"]?["vocab_size"]?.int
    }

    /// What the model says of an added token.
    func entry(of token: ExactKey) -> JSONObject? { file.added[token]?.entry }
}

/// The small files beside a checkpoint's weights.
enum CompanionText {
    private static let byteLimit = 1 << 27

    /// Nil where there is none.
    static func bytes(_ name: String, of checkpoint: Checkpoint) throws(Failure) -> [UInt8]? {
        guard checkpoint.companions.contains(name) else { return nil }
        let file = try InputFile(path: Paths.joined(checkpoint.folder, name))
        guard file.size <= byteLimit else {
            throw Failure(
                .tooLarge, "the file is too large", path: file.path, expected: "at most \(byteLimit) bytes",
                actual: "\(file.size)")
        }
        return try file.read(at: 0, count: file.size)
    }

    static func json(_ name: String, of checkpoint: Checkpoint) throws(Failure) -> JSONValue? {
        guard let bytes = try bytes(name, of: checkpoint) else { return nil }
        return try JSONValue.parse(bytes, path: Paths.joined(checkpoint.folder, name), limit: byteLimit)
    }
}
