import Architectures
import Checkpoints
import Diagnostics
import Files
import Tokenization

extension DataOptions {
    /// With the tokenizer that lies beside the base, where there is one. Rows of ids need none, so a tokenizer that cannot
    /// be read is told of when there is text.
    init(
        _ base: Checkpoint, _ architecture: NetworkArchitecture, maximumLength: Int, isStrict: Bool
    ) throws(Failure) {
        var tokenizer: Tokenizer?
        var failure: Failure?
        if base.companions.contains("tokenizer.json") {
            do throws(Failure) {
                tokenizer = try Tokenizer(path: Paths.joined(base.folder, "tokenizer.json"))
            } catch {
                failure = error
            }
        }
        self.init(
            vocabularySize: architecture.vocabularySize, maximumLength: maximumLength, tokenizer: tokenizer,
            isStrict: isStrict)
        task = architecture.task
        labels = architecture.labels
        typeCount = architecture.typeCount
        tokenizerFailure = failure
    }
}
