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
        ends = try? TextEnd.ids(of: base, tokenizer)
        task = architecture.task
        classCount = architecture.labels
        typeCount = architecture.typeCount
        tokenizerFailure = failure
        if task == .masked { masking = tokenizer.flatMap { Masking($0, vocabularySize: vocabularySize) } }
        self.form = form
        do throws(Failure) {
            chat = try ChatFormat(base, form)
        } catch {
            chatFailure = error
        }
    }
}

extension Masking {
    /// By the mask that a tokenizer names, of all rows the same each time they are read. Nil where it names none.
    fileprivate init?(_ tokenizer: Tokenizer, vocabularySize: Int) {
        let masks = ["[MASK]", "<mask>"].compactMap { tokenizer.id(of: $0) }
        guard let mask = masks.first, mask < vocabularySize else { return nil }
        let others = ["[PAD]", "[UNK]", "<pad>", "<unk>"].compactMap { tokenizer.id(of: $0) }
        self.init(
            specials: Set(tokenizer.encode("", addSpecialTokens: true) + others), mask: mask,
            vocabularySize: vocabularySize, seed: 0)
    }
}
