import DeltaAlgebra
import Diagnostics
import JSON
import Tensors

/// The vocabulary of the result, and where the rows of its tokens are in the models: `Spec/merge.md`.
struct ResultVocabulary: Sendable {
    /// The model whose tokenizer the result has.
    let main: ModelVocabulary
    /// The token of every row; nil for a row that no token has.
    let tokens: [ExactKey?]
    /// Tokens that the result has beyond its tokenizer's, as entries of its file, in the order of their ids.
    let added: [JSONObject]
    /// Rows with those that fill up a multiple.
    let rowCount: Int
    private let request: TokenizerRequest
    private let models: [ModelReference]
    private let vocabularies: [ModelReference: ModelVocabulary]
    private let base: ModelReference?

    /// Throws ``Failure/Code/recipeInvalid`` for tokens that a model does not have, and what reading tokenizers throws.
    init(_ request: TokenizerRequest, _ recipe: Recipe, _ opened: RecipeModels) throws(Failure) {
        self.request = request
        base = recipe.base
        let models = recipe.models
        self.models = models
        var vocabularies: [ModelReference: ModelVocabulary] = [:]
        for model in models { vocabularies[model] = try ModelVocabulary(opened(model)) }
        let held = vocabularies
        self.vocabularies = held
        let first = recipe.base ?? recipe.slices[0].sources[0].model
        let source: ModelReference =
            switch request.source {
            case .base, .union: first
            case .model(let model): model
            }
        guard let main = vocabularies[source] else {
            throw Failure(.internal, "a model was not opened", object: source.text)
        }
        self.main = main
        var tokens = [ExactKey?](repeating: nil, count: (main.rows.values.max() ?? -1) + 1)
        for (token, row) in main.rows { tokens[row] = token }
        var known = Set(main.rows.keys)
        var added: [JSONObject] = []
        func add(_ token: ExactKey) {
            guard known.insert(token).inserted else { return }
            let entry = models.lazy.compactMap { held[$0]?.entry(of: token) }.first
            added.append(Self.entry(token, id: tokens.count, like: entry))
            tokens.append(token)
        }
        if request.source == .union {
            for isAdded in [false, true] {
                for model in models {
                    guard let vocabulary = vocabularies[model] else { continue }
                    let own = vocabulary.rows.filter { (vocabulary.entry(of: $0.key) != nil) == isAdded }
                    for (token, _) in own.sorted(by: { $0.value < $1.value }) { add(token) }
                }
            }
        }
        for token in request.tokens { add(ExactKey(token.text)) }
        self.tokens = tokens
        self.added = added
        let multiple = request.multiple ?? 1
        rowCount = (tokens.count + multiple - 1) / multiple * multiple
    }

    /// An added token with the flags of another entry of it, or the usual ones.
    private static func entry(_ token: ExactKey, id: Int, like other: JSONObject?) -> JSONObject {
        var entry = JSONObject()
        entry["id"] = JSONValue(id)
        entry["content"] = .string(token.string)
        for flag in ["single_word", "lstrip", "rstrip", "normalized", "special"] {
            entry[flag] = .bool(other?[flag]?.bool ?? (flag == "normalized"))
        }
        return entry
    }

    // MARK: Rows

    /// The rows of a model's embedding in this vocabulary; sources are numbered as ``donors``.
    func rows(of model: ModelReference) throws(Failure) -> [GatheredRows.Row] {
        let entries = Dictionary(
            request.tokens.map { (ExactKey($0.text), $0) }, uniquingKeysWith: { first, _ in first })
        var rows: [GatheredRows.Row] = []
        rows.reserveCapacity(rowCount)
        for token in tokens {
            guard let token else {
                rows.append(.zero)
                continue
            }
            rows.append(try row(of: token, entries[token], in: model))
        }
        rows += repeatElement(.meanOfAll, count: rowCount - rows.count)
        return rows
    }

    private func row(
        of token: ExactKey, _ entry: TokenizerRequest.Token?, in model: ModelReference
    ) throws(Failure) -> GatheredRows.Row {
        if entry?.isForced != true || entry?.source == nil, let own = place(of: token, in: model) { return .of(own) }
        if let entry, let source = entry.source { return try row(source, entry) }
        let holders = models.compactMap { place(of: token, in: $0) }
        if holders.count < 2 { return holders.first.map { .of($0) } ?? .zero }
        if let base, let place = place(of: token, in: base) { return .of(place) }
        return .mean(holders)
    }

    private func row(
        _ source: TokenizerRequest.RowSource, _ entry: TokenizerRequest.Token
    ) throws(Failure) -> GatheredRows.Row {
        let place: GatheredRows.Place?
        switch source {
        case .zero: return .zero
        case .model(let model): place = self.place(of: ExactKey(entry.text), in: model)
        case .token(let text, let model): place = self.place(of: ExactKey(text), in: model)
        case .id(let id, let model):
            // Whether there is such a row shows where it is taken: some belong to no token.
            place = number(of: model).map { .init(source: $0, row: id) }
        }
        guard let place else {
            throw Failure(
                .recipeInvalid, "the model that is to give the row lacks the token",
                object: "line \(entry.line): \(entry.text)")
        }
        return .of(place)
    }

    private func number(of model: ModelReference) -> Int? { models.firstIndex(of: model) }

    private func place(of token: ExactKey, in model: ModelReference) -> GatheredRows.Place? {
        guard let row = vocabularies[model]?.rows[token], let number = number(of: model) else { return nil }
        return .init(source: number, row: row)
    }

    /// The models whose rows are taken, in the order of the recipe.
    var donors: [MergeModel] { models.compactMap { vocabularies[$0]?.model } }
}

extension ResultVocabulary {
    /// A model's embedding, head or bias of it, in this vocabulary.
    ///
    /// Throws ``Failure/Code/modelsIncompatible`` where a row is asked of a model that has no such tensor.
    func tensor(
        _ tensor: MergeModel.Tensor, of model: ModelReference, heldBy sources: [MergeModel.Tensor?]
    ) throws(Failure) -> MergeModel.Tensor {
        let rows = try rows(of: model)
        let own = number(of: model)
        let isUnchanged = rows.enumerated().allSatisfy { index, row in
            if case .of(let place) = row { place.source == own && place.row == index } else { false }
        }
        if isUnchanged, tensor.source.shape.dimensions.first == rows.count { return tensor }
        var used: [any TensorSource] = []
        var numbers: [Int: Int] = [:]
        func renumbered(_ place: GatheredRows.Place) throws(Failure) -> GatheredRows.Place {
            guard let held = sources[place.source], place.row < held.source.shape.dimensions.first ?? 0 else {
                throw Failure(
                    .modelsIncompatible, "a model that is to give rows has no such tensor, or fewer rows",
                    object: tensor.name, path: models[place.source].text)
            }
            if numbers[place.source] == nil {
                numbers[place.source] = used.count
                used.append(held.source)
            }
            return .init(source: numbers[place.source] ?? 0, row: place.row)
        }
        var gathered: [GatheredRows.Row] = []
        gathered.reserveCapacity(rows.count)
        for row in rows {
            switch row {
            case .of(let place): gathered.append(.of(try renumbered(place)))
            case .mean(let places):
                gathered.append(.mean(try places.map { place throws(Failure) in try renumbered(place) }))
            default: gathered.append(row)
            }
        }
        let source = try GatheredRows(used.isEmpty ? [tensor.source] : used, rows: gathered)
        return MergeModel.Tensor(name: tensor.name, source: source, dtype: tensor.dtype)
    }
}
