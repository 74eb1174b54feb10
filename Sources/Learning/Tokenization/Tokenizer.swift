package import Diagnostics
import Synchronization

/// A tokenizer as `tokenizer.json` or `vocab.txt` describes it: text to token ids and back.
///
/// Its ids are those of the `tokenizers` package for the same file, but that truncation and padding, which the file may ask
/// for too, are left to the caller. Any number of threads may use it at once.
package struct Tokenizer: Sendable {
    private let model: TokenModel
    private let added: AddedTokens
    private let normalizer: Normalizer
    private let preTokenizer: PreTokenizer
    private let postProcessor: PostProcessor
    private let decoder: Decoder
    private let scratches = ScratchPool()

    /// The token that begins a text, nil where the model has none or nothing says which it is.
    package let bos: Int32?
    /// The token that ends a text, nil where nothing says which it is.
    package let eos: Int32?
    /// One more than the largest id of a token.
    package let vocabularySize: Int

    /// Reads `tokenizer.json`, or `vocab.txt` where there is none, and from `tokenizer_config.json` or `config.json` beside it
    /// which tokens begin and end a text.
    ///
    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here, ``Failure/Code/tokenizerInvalid`` for a
    /// file that contradicts itself, and what the JSON scanner and reading throw.
    ///
    /// - Parameter path: The file, or the folder it lies in.
    package init(path: String) throws(Failure) {
        let place = try TokenizerPlace(path)
        var file = TokenizerFile(path: place.file)
        if place.isList { try file.readLines(try place.wordPieceOptions()) } else { try file.read() }
        self.init(file, try file.model(), try place.textEnds())
    }

    private init(_ file: TokenizerFile, _ model: TokenModel, _ ends: TextEnds) {
        let added = file.added
        self.model = model
        self.added = added
        normalizer = file.normalizer
        preTokenizer = file.preTokenizer
        postProcessor = file.postProcessor
        decoder = file.decoder
        vocabularySize = file.idCount
        bos = ends.bos.id { added.id(of: $0) ?? model.vocabulary.id(of: $0) }
        eos = ends.eos.id { added.id(of: $0) ?? model.vocabulary.id(of: $0) }
    }

    /// The token of an id as the file spells it: "Ġhello" for " hello".
    package func token(for id: Int32) -> String? { added.content(of: id) ?? model.vocabulary.token(for: id) }

    /// The id of a token as the file spells it.
    package func id(of token: String) -> Int32? { added.id(of: token) ?? model.vocabulary.id(of: token) }

    // MARK: Text to tokens

    /// The ids of a text.
    ///
    /// - Parameter addSpecialTokens: Whether to put the tokens around them that the file asks for, such as the one that
    ///   begins a text. Special tokens that the text itself spells out are found in either case.
    package func encode(_ text: String, addSpecialTokens: Bool) -> [Int32] {
        let run = run(text, isTracked: false)
        guard addSpecialTokens, postProcessor.single.count > 1 else { return run.ids }
        return postProcessor.single.flatMap { part in
            switch part {
            case .token(let id, _): [id]
            case .text: run.ids
            }
        }
    }

    /// The ids of a text or of two, which of the two each belongs to, and what of it each came of.
    ///
    /// - Parameters:
    ///   - second: What the text is judged together with: of a pair of sentences the second.
    ///   - hasOffsets: Whether to tell what of the texts the tokens came of, which takes longer.
    ///   - maximumLength: How many tokens there may be. Of what is too long the end is left out, of a pair that of the longer
    ///     text until both are as long; the tokens around them stay.
    package func encoding(
        of text: String, and second: String? = nil, addSpecialTokens: Bool = true, hasOffsets: Bool = false,
        maximumLength: Int? = nil
    ) -> TokenEncoding {
        var runs = [text, second].compactMap { $0.map { offsetRun($0, isTracked: hasOffsets) } }
        var encoding = TokenEncoding()
        let parts = second == nil ? postProcessor.single : postProcessor.pair
        if let maximumLength {
            let special = addSpecialTokens ? parts.count { if case .token = $0 { true } else { false } } : 0
            encoding.isTruncated = runs.truncate(to: max(0, maximumLength - special))
        }
        for part in parts {
            switch part {
            case .token(let id, let type):
                guard addSpecialTokens else { continue }
                encoding.ids.append(id)
                encoding.types.append(type)
                if hasOffsets { encoding.offsets.append(0..<0) }
            case .text(let index, let type):
                guard index < runs.count else { continue }
                encoding.ids += runs[index].ids
                encoding.types += repeatElement(type, count: runs[index].ids.count)
                encoding.offsets += runs[index].ranges.map { Int($0.lowerBound)..<Int($0.upperBound) }
            }
        }
        return encoding
    }

    /// The tokens of a text, with ranges counted in characters.
    private func offsetRun(_ text: String, isTracked: Bool) -> TokenRun {
        var run = run(text, isTracked: isTracked)
        guard isTracked else { return run }
        run.countCharacters(of: text)
        if let trimming = postProcessor.trimming { run.trim(addsPrefixSpace: trimming.addsPrefixSpace) }
        return run
    }

    /// The tokens of a text, with ranges counted in bytes where they are asked for.
    private func run(_ text: String, isTracked: Bool) -> TokenRun {
        var run = TokenRun()
        var scratch = scratches.take()
        let bytes = Array(text.utf8)
        for part in added.partsOfVerbatim(bytes.span) {
            switch part {
            case .token(let id, let range):
                let text = AlignedText(bytes[range], isTracked: isTracked)
                append(id, text, 0..<range.count, to: &run)
            case .text(let range):
                var text = AlignedText(bytes[range], isTracked: isTracked || preTokenizer.needsOrigins)
                normalizer(&text)
                encode(text, &scratch, into: &run, isTracked: isTracked)
            }
        }
        scratches.give(scratch)
        return run
    }

    private func encode(
        _ text: AlignedText, _ scratch: inout TokenModel.Scratch, into run: inout TokenRun, isTracked: Bool
    ) {
        for part in added.partsOfNormalized(text.bytes.span) {
            switch part {
            case .token(let id, let range): append(id, text, range, to: &run)
            case .text(let range):
                let pieces = preTokenizer.pieces(of: text.part(range))
                let bytes = pieces.bytes.span
                for range in pieces.ranges {
                    let place = pieces.place(of: range)
                    let first = run.ids.count
                    model.encode(bytes.extracting(place), &scratch, into: &run, isTracked: isTracked)
                    if isTracked { locate(first, pieces.text, place, &run) }
                }
            }
        }
    }

    /// Appends an added token, which was found in a text.
    private func append(_ id: Int32, _ text: AlignedText, _ range: Range<Int>, to run: inout TokenRun) {
        run.ids.append(id)
        guard text.isTracked else { return }
        let origin = text.origin(of: range)
        run.ranges.append(origin.start..<origin.end)
        if postProcessor.trimming != nil {
            run.blanks.append(TokenRun.Blanks(of: String(decoding: text.bytes[range], as: UTF8.self)))
        }
    }

    /// Turns ranges of a word, from a token on, into ranges of the text that it came of.
    private func locate(_ first: Int, _ text: AlignedText, _ place: Range<Int>, _ run: inout TokenRun) {
        for index in first..<run.ids.count {
            let range = run.ranges[index]
            let start = min(place.lowerBound + Int(range.lowerBound), place.upperBound)
            let origin = text.origin(of: start..<min(place.lowerBound + Int(range.upperBound), place.upperBound))
            run.ranges[index] = origin.start..<max(origin.start, origin.end)
            if postProcessor.trimming != nil {
                run.blanks.append(TokenRun.Blanks(of: model.vocabulary.token(for: run.ids[index]) ?? ""))
            }
        }
    }

    // MARK: Tokens to text

    /// The text of ids. Ids of no token are passed over; bytes that are no UTF-8 become U+FFFD.
    package func decode(_ ids: [Int32], skippingSpecialTokens: Bool = false) -> String {
        var tokens: [[UInt8]] = []
        tokens.reserveCapacity(ids.count)
        for id in ids {
            guard let token = added.spelling(of: id) ?? model.vocabulary.token(for: id) else { continue }
            if skippingSpecialTokens && added.isSpecial(token) { continue }
            tokens.append(Array(token.utf8))
        }
        return decoder(tokens)
    }
}

/// The tokens of a text or of two.
package struct TokenEncoding: Hashable, Sendable {
    package var ids: [Int32] = []
    /// Which of two texts each belongs to, as the model counts them.
    package var types: [Int32] = []
    /// What each came of, counted in characters of Unicode; empty at 0 for what the text has not. None unless asked for.
    package var offsets: [Range<Int>] = []
    /// Whether the end of a text was left out.
    package var isTruncated = false
}

/// Scratches that are not in use, so that every thread has its own and none is made anew for each text.
private final class ScratchPool: Sendable {
    private let free = Mutex<[TokenModel.Scratch]>([])

    func take() -> TokenModel.Scratch {
        free.withLock { $0.popLast() } ?? TokenModel.Scratch()
    }

    func give(_ scratch: consuming TokenModel.Scratch) {
        free.withLock { [scratch] in $0.append(scratch) }
    }
}
