package import Diagnostics
import Synchronization

/// A byte-level BPE tokenizer, as GPT-2, LLaMA 3 and Qwen 2 have it: text to token ids and back.
///
/// Its ids are those of the `tokenizers` package for the same `tokenizer.json`, but that truncation and padding, which the
/// file may ask for too, are left to the caller. Any number of threads may use it at once.
package struct Tokenizer: Sendable {
    private let model: BytePairEncoding
    private let added: AddedTokens
    private let normalizer: Normalizer
    private let preTokenizer: PreTokenizer
    private let postProcessor: PostProcessor
    private let scratches = ScratchPool()

    /// The token that begins a text, nil where the model has none or nothing says which it is.
    package let bos: Int32?
    /// The token that ends a text, nil where nothing says which it is.
    package let eos: Int32?

    /// Reads `tokenizer.json`, and from `tokenizer_config.json` or `config.json` beside it which tokens begin and end a
    /// text.
    ///
    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here (WordPiece, Unigram, BPE over
    /// characters, an unknown pattern), ``Failure/Code/tokenizerInvalid`` for a file that contradicts itself, and what the
    /// JSON scanner and reading throw.
    ///
    /// - Parameter path: The file, or the folder it lies in.
    package init(path: String) throws(Failure) {
        let place = try TokenizerPlace(path)
        var file = TokenizerFile(path: place.file)
        try file.read()
        self.init(file, try file.model(), try place.textEnds())
    }

    private init(_ file: TokenizerFile, _ model: BytePairEncoding, _ ends: TextEnds) {
        self.model = model
        added = file.added
        normalizer = file.normalizer
        preTokenizer = file.preTokenizer
        postProcessor = file.postProcessor
        bos = ends.bos.id { model.vocabulary.id(of: $0) }
        eos = ends.eos.id { model.vocabulary.id(of: $0) }
    }

    /// One more than the largest id of a token.
    package var vocabularySize: Int { model.vocabulary.idCount }

    /// The token of an id as the file spells it: "Ġhello" for " hello".
    package func token(for id: Int32) -> String? { model.vocabulary.token(for: id) }

    /// The id of a token as the file spells it.
    package func id(of token: String) -> Int32? { model.vocabulary.id(of: token) }

    /// The ids of a text.
    ///
    /// - Parameter addSpecialTokens: Whether to put the tokens around them that the file asks for, such as the one that
    ///   begins a text. Special tokens that the text itself spells out are found in either case.
    package func encode(_ text: String, addSpecialTokens: Bool) -> [Int32] {
        var ids = addSpecialTokens ? postProcessor.prefix : []
        var scratch = scratches.take()
        let bytes = Array(text.utf8)
        for part in added.partsOfVerbatim(bytes.span) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let range): encode(normalizer(Array(bytes[range])), &scratch, into: &ids)
            }
        }
        scratches.give(scratch)
        if addSpecialTokens { ids += postProcessor.suffix }
        return ids
    }

    private func encode(_ text: [UInt8], _ scratch: inout BytePairEncoding.Scratch, into ids: inout [Int32]) {
        for part in added.partsOfNormalized(text.span) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let range):
                let pieces = preTokenizer.pieces(of: range.count == text.count ? text : Array(text[range]))
                let bytes = pieces.bytes.span
                var start = 0
                for end in pieces.ends {
                    let word = pieces.starts[start]..<pieces.starts[end]
                    model.encode(bytes.extracting(word), &scratch, into: &ids)
                    start = end
                }
            }
        }
    }

    /// The text of ids. Ids of no token are passed over; bytes that are no UTF-8 become U+FFFD.
    package func decode(_ ids: [Int32], skippingSpecialTokens: Bool = false) -> String {
        var bytes: [UInt8] = []
        for id in ids {
            guard let token = added.spelling(of: id) ?? model.vocabulary.token(for: id) else { continue }
            if skippingSpecialTokens && added.isSpecial(token) { continue }
            ByteAlphabet.append(token, to: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Scratches that are not in use, so that every thread has its own and none is made anew for each text.
private final class ScratchPool: Sendable {
    private let free = Mutex<[BytePairEncoding.Scratch]>([])

    func take() -> BytePairEncoding.Scratch {
        free.withLock { $0.popLast() } ?? BytePairEncoding.Scratch()
    }

    func give(_ scratch: consuming BytePairEncoding.Scratch) {
        free.withLock { [scratch] in $0.append(scratch) }
    }
}
