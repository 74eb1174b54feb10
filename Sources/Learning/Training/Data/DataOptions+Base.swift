import Architectures
import Checkpoints
import Diagnostics
import Tokenization

extension DataOptions {
    /// With the tokenizer that lies beside the base, where there is one. Rows of ids need none, so a tokenizer that cannot
    /// be read is told of when there is text, and a chat template when there is a conversation.
    init(
        _ base: Checkpoint, _ architecture: NetworkArchitecture, maximumLength: Int, isStrict: Bool, form: DataForm
    ) throws(Failure) {
        var tokenizer: Tokenizer?
        var failure: Failure?
        if base.companions.contains(where: TokenizerFiles.names.contains) {
            do throws(Failure) {
                tokenizer = try Tokenizer(path: base.folder)
            } catch {
                failure = error
            }
        }
        self.init(
            vocabularySize: architecture.vocabularySize, maximumLength: maximumLength, tokenizer: tokenizer,
            isStrict: isStrict)
        task = architecture.task
        classCount = architecture.labels
        typeCount = architecture.typeCount
        tokenizerFailure = failure
        self.form = form
        do throws(Failure) {
            chat = try ChatFormat(base, form)
        } catch {
            chatFailure = error
        }
    }
}
