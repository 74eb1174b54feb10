import DeltaAlgebra
import Diagnostics
import Tensors

/// Makes of the tensors of some models what one tensor of the result is.
struct TensorPlanner {
    let recipe: Recipe
    /// What embeddings are brought to first; nil where they stay as they are.
    let vocabulary: ResultVocabulary?
    let seed: UInt64
    private(set) var plans: [MergedTensorPlan] = []
    private(set) var findings: [Finding] = []
    /// Where those filters stand that a value was taken from.
    private var usedFilters: Set<ParameterSetting.FilterPlace> = []

    init(recipe: Recipe, vocabulary: ResultVocabulary?, seed: UInt64) {
        self.recipe = recipe
        self.vocabulary = vocabulary
        self.seed = seed
    }

    private var method: any MergeMethod { recipe.method }

    /// A model's part in a tensor.
    private struct Part {
        let source: Recipe.Source
        let model: MergeModel
        /// The tensor's name in the model.
        let name: String
        let tensor: MergeModel.Tensor
        /// Whether the method takes it as the base.
        let isBase: Bool
        /// Which of the models it is, the base not among them.
        let number: Int
    }

    /// Adds a tensor of the result.
    ///
    /// - Parameters:
    ///   - owners: The sources of the slice, and what the tensor is called in each.
    ///   - position: Where its layer lies among those of the slice, from 0 to 1.
    mutating func add(
        _ name: String, _ slice: Recipe.Slice, _ owners: [(Recipe.Source, MergeModel, String)], at position: Double
    ) throws(Failure) {
        var parts: [Part] = []
        var missing: [MergeModel] = []
        var number = 0
        let isHead = EmbeddingNames.isHead(name)
        for (source, model, own) in owners {
            let isBase = method.base != .member && source.model == slice.base
            defer { if !isBase { number += 1 } }
            guard let tensor = try tensor(own, isHead: isHead, of: source.model, model) else {
                missing.append(model)
                continue
            }
            parts.append(
                Part(source: source, model: model, name: own, tensor: tensor, isBase: isBase, number: number))
        }
        if let first = missing.first {
            findings.append(
                Finding(
                    "tensor-missing",
                    missing.count == 1
                        ? "\(first.path) lacks this tensor"
                        : "\(missing.count) models lack this tensor, as \(first.path)",
                    object: name))
        }
        do throws(Failure) {
            if let plan = try plan(name, slice, parts, isWhole: missing.isEmpty, at: position) { plans.append(plan) }
        } catch {
            throw error.on(name)
        }
    }

    /// A model's tensor, brought to the result's vocabulary if it has a row for every token.
    private func tensor(
        _ name: String, isHead: Bool, of reference: ModelReference, _ model: MergeModel
    ) throws(Failure) -> MergeModel.Tensor? {
        func held(by model: MergeModel) -> MergeModel.Tensor? {
            model.tensor(named: name) ?? (isHead ? Self.twin(ofHeadIn: model) : nil)
        }
        guard let tensor = held(by: model) else { return nil }
        guard let vocabulary, EmbeddingNames.isOfVocabulary(name) else { return tensor }
        return try vocabulary.tensor(tensor, of: reference, heldBy: vocabulary.donors.map(held))
    }

    /// The input embedding of a model whose output embedding is the same.
    private static func twin(ofHeadIn model: MergeModel) -> MergeModel.Tensor? {
        let inputs = model.tensors.filter { EmbeddingNames.isInput($0.name) }
        return inputs.count == 1 ? inputs[0] : nil
    }

    // MARK: Which way

    private mutating func plan(
        _ name: String, _ slice: Recipe.Slice, _ parts: [Part], isWhole: Bool, at position: Double
    ) throws(Failure) -> MergedTensorPlan? {
        guard let first = parts.first else { return nil }
        for part in parts where part.tensor.source.shape != first.tensor.source.shape {
            throw Failure(
                .modelsIncompatible, "the models have this tensor in different shapes", object: name,
                path: part.model.path, expected: "\(first.tensor.source.shape) as in \(first.model.path)",
                actual: "\(part.tensor.source.shape)",
                hint: EmbeddingNames.isOfVocabulary(name)
                    ? "tokenizer_source: union brings vocabularies together" : nil)
        }
        guard parts.allSatisfy({ $0.tensor.dtype.isFloat }) else { return try same(name, parts) }
        let dtype = recipe.dtype ?? Self.promoted(parts.map(\.tensor.dtype))
        let base = parts.first { $0.isBase }
        let inputs = parts.filter { !$0.isBase }
        let needsBase = method.base == .required || (method.base == .optional && slice.base != nil)
        if needsBase == (base != nil), method.modelCount.contains(inputs.count), first.tensor.source.byteCount > 0 {
            return try merge(name, slice, base, inputs, dtype, at: position)
        }
        if isWhole, first.tensor.source.byteCount == 0 { return copy(name, first, dtype) }
        switch method.lacks {
        case .refused: break
        case .copiedFromOne:
            if parts.count == 1 { return copy(name, first, dtype) }
        case .copiedFromBase:
            if let base, inputs.isEmpty { return copy(name, base, dtype) }
        case .copiedFromBaseOrLeftOut:
            if let base { return inputs.isEmpty ? copy(name, base, dtype) : nil }
        }
        throw Failure(
            .modelsIncompatible,
            needsBase && base == nil
                ? "the base lacks a tensor that other models have"
                : "too few models have this tensor for \(method.word)",
            object: name, path: recipe.path)
    }

    private func copy(_ name: String, _ part: Part, _ dtype: DType) -> MergedTensorPlan {
        MergedTensorPlan(name: name, content: .copy(part.tensor.source), dtype: dtype)
    }

    /// What the dtypes of a tensor's sources promote to.
    private static func promoted(_ dtypes: [DType]) -> DType {
        let kinds = Set(dtypes)
        if kinds.count == 1, let only = kinds.first { return only }
        return .f32
    }

    /// A tensor that is no numbers to be merged: the same in all models.
    private func same(_ name: String, _ parts: [Part]) throws(Failure) -> MergedTensorPlan {
        let first = parts[0]
        for part in parts.dropFirst() {
            guard part.tensor.dtype == first.tensor.dtype, try first.tensor.source.hasSameBytes(as: part.tensor.source)
            else {
                throw Failure(
                    .modelsIncompatible, "a tensor that is no float differs between the models", object: name,
                    path: part.model.path, expected: "\(first.tensor.dtype.name) as in \(first.model.path)",
                    actual: "\(part.tensor.dtype.name) with other elements")
            }
        }
        return copy(name, first, first.tensor.dtype)
    }

    // MARK: Values

    private mutating func merge(
        _ name: String, _ slice: Recipe.Slice, _ base: Part?, _ inputs: [Part], _ dtype: DType, at position: Double
    ) throws(Failure) -> MergedTensorPlan {
        if inputs.isEmpty, let base { return copy(name, base, dtype) }
        // What is computed is so in fp32.
        let mergedType = dtype == .f64 ? DType.f32 : dtype
        let shared = [slice.parameters, recipe.parameters]
        let values = try self.values(.tensor, in: shared, for: name, at: position, of: nil)
        var merged: [TensorMerge.Input] = []
        for input in inputs {
            merged.append(
                TensorMerge.Input(
                    input.tensor.source, model: input.model.path, number: input.number,
                    values: try self.values(
                        .model, in: [input.source.parameters] + shared, for: input.name, at: position,
                        of: input.model)))
        }
        if method.base == .member, method.modelCount == 1...1, let only = inputs.first,
            merged[0].values["scale"] ?? 1 == 1
        {
            return copy(name, only, dtype)
        }
        let tensor = TensorMerge(
            name: name, base: base.map { TensorMerge.Input($0.tensor.source, model: $0.model.path, number: 0) },
            inputs: merged, values: values, seed: seed)
        // Values that do not go together are refused before anything is computed.
        _ = try method.merger(of: tensor)
        return MergedTensorPlan(name: name, content: .merge(tensor, method), dtype: mergedType)
    }

    /// Tells of filters that no tensor takes a value from; when all tensors are planned.
    func unusedFilters() -> [Finding] {
        let tables =
            [recipe.parameters] + recipe.slices.map(\.parameters)
            + recipe.slices.flatMap { $0.sources.map(\.parameters) }
        let places = Set(tables.flatMap { $0.settings.values.flatMap(\.filterPlaces) }).subtracting(usedFilters)
        return places.sorted { ($0.line, $0.name, $0.filter) < ($1.line, $1.name, $1.filter) }.map { place in
            Finding(
                "filter-unused", "no tensor takes its \(place.name) from the filter \(place.filter)",
                object: "\(recipe.path), line \(place.line)")
        }
    }

    /// The values of all settings of a scope that are given; those that must be are.
    private mutating func values(
        _ scope: MergeSetting.Scope, in tables: [ParameterTable], for tensor: String, at position: Double,
        of model: MergeModel?
    ) throws(Failure) -> MergeValues {
        var values: MergeValues = [:]
        for setting in method.settings where setting.scope == scope {
            let given = tables.lazy.compactMap { $0[setting.name]?.value(for: tensor, at: position) }.first
            guard let given else {
                guard setting.standard == nil else { continue }
                throw Failure(
                    .recipeInvalid, "the method \(method.word) needs the parameter \(setting.name)",
                    object: model.map { "\(tensor) of \($0.path)" } ?? tensor, path: recipe.path)
            }
            guard setting.range.contains(given.number) else {
                throw Failure(
                    .recipeInvalid, "a parameter of \(method.word) is out of range",
                    object: "line \(given.line): \(setting.name)", path: recipe.path,
                    expected: "\(setting.range.lowerBound) to \(setting.range.upperBound)", actual: "\(given.number)")
            }
            if let filter = given.filter { usedFilters.insert(filter) }
            values[setting.name] = given.number
        }
        return values
    }
}
