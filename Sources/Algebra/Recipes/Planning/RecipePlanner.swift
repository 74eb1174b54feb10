package import Checkpoints
package import DeltaAlgebra
package import Diagnostics
import JSON
package import Parallelism

/// Opens the models of a recipe and says what every tensor of the result is.
package struct RecipePlanner: Sendable {
    package var lanes: Lanes
    /// Knows bases that adapters are bound to.
    package var cache: FingerprintCache?
    /// Of random masks.
    package var seed: UInt64 = 0
    /// What the lineage of the result names as its maker.
    package var tool = "tenon"

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Reads headers, configs and tokenizers; of the models' data only what is no float and must be the same in all.
    ///
    /// Throws ``Failure/Code/recipeInvalid`` for what cannot be, ``Failure/Code/modelsIncompatible`` for models that do not
    /// fit each other, and what opening them throws.
    package func plan(_ recipe: Recipe) throws(Failure) -> MergePlan {
        let models = try RecipeModels(recipe, lanes: lanes, cache: cache)
        do throws(Failure) {
            return try plan(recipe, models)
        } catch {
            throw error.at(path: recipe.path)
        }
    }

    private func plan(_ recipe: Recipe, _ models: RecipeModels) throws(Failure) -> MergePlan {
        let main = try models(recipe.base ?? recipe.slices[0].sources[0].model)
        let vocabulary = try recipe.tokenizer.map { request throws(Failure) in
            try ResultVocabulary(request, recipe, models)
        }
        var planner = TensorPlanner(recipe: recipe, vocabulary: vocabulary, seed: seed)
        var layers: [Recipe.LayerOrigin]?
        if recipe.isStacked {
            layers = try planner.addStack(models, like: main)
        } else {
            try planner.addWhole(models)
        }
        let plans = planner.plans.sorted { $0.name.precedesInBytes($1.name) }
        let tokenizer = try ResultTokenizer(vocabulary, recipe.chatTemplate, main: main, models: models.all)
        let record = RecipeRecord(recipe: recipe, models: models.all, seed: seed, tool: tool)
        let config = ResultConfig(
            main: main, plans: plans, layers: layers, vocabularySize: vocabulary?.rowCount, tokenizer: tokenizer,
            records: record.files)
        return MergePlan(
            tensors: plans, files: try config.files(), models: models.all, origin: recipe.text,
            findings: recipe.findings + models.all.flatMap(\.findings) + planner.findings + planner.unusedFilters())
    }
}

extension Recipe {
    /// Where a layer of the result comes from.
    struct LayerOrigin: Hashable, Sendable {
        /// The first of the models that it is made of.
        let model: ModelReference
        let number: Int
    }
}

extension TensorPlanner {
    // MARK: Whole models

    mutating func addWhole(_ models: RecipeModels) throws(Failure) {
        let slice = recipe.slices[0]
        let opened = try slice.sources.map { source throws(Failure) in try models(source.model) }
        var names: Set<ExactKey> = []
        for model in opened { names.formUnion(model.tensors.map { ExactKey($0.name) }) }
        let stacks = LayerStacks(names.lazy.map(\.string))
        for name in names.map(\.string).sorted(by: { $0.precedesInBytes($1) }) {
            let position = LayerName(name).map { layer in
                Self.position(of: layer.number, among: stacks.counts[layer.stack] ?? 1)
            }
            try add(name, slice, zip(slice.sources, opened).map { ($0, $1, name) }, at: position ?? 0)
        }
    }

    // MARK: Stacked layers

    /// Returns where the layers come from, in their order.
    mutating func addStack(_ models: RecipeModels, like main: MergeModel) throws(Failure) -> [Recipe.LayerOrigin] {
        var origins: [Recipe.LayerOrigin] = []
        var stack = LayerStacks(main.tensors.map(\.name)).only?.stack
        var before: StackedLayers?
        for slice in recipe.slices {
            var parts: [(source: Recipe.Source, model: MergeModel, stack: String, layers: Range<Int>)] = []
            for source in slice.sources {
                let model = try models(source.model)
                let own = try only(LayerStacks(model.tensors.map(\.name)), of: model, source)
                guard let layers = source.layers, layers.upperBound <= own.count else {
                    throw Failure(
                        .recipeInvalid, "the model has fewer layers",
                        object: "line \(source.line): \(source.model.text)",
                        path: recipe.path, expected: "at most \(own.count)",
                        actual: "\(source.layers?.upperBound ?? 0)")
                }
                parts.append((source, model, own.stack, layers))
            }
            let layers = StackedLayers(
                reference: parts[0].source.model, model: parts[0].model, stack: parts[0].stack, layers: parts[0].layers,
                line: parts[0].source.line)
            if let before { try layers.check(after: before, in: recipe) }
            before = layers
            stack = stack ?? parts[0].stack
            let count = parts[0].layers.count
            guard origins.count + count <= 1 << 16 else {
                throw Failure(
                    .recipeInvalid, "the slices have too many layers", path: recipe.path, expected: "at most \(1 << 16)"
                )
            }
            let rests = parts.map { part in Self.rests(of: part.model, part.stack, part.layers) }
            for offset in 0..<count {
                var names: Set<ExactKey> = []
                for rest in rests { names.formUnion(rest[offset]) }
                let position = Self.position(of: offset, among: count)
                for rest in names.map(\.string).sorted(by: { $0.precedesInBytes($1) }) {
                    let owners = parts.map { part in
                        (part.source, part.model, "\(part.stack)\(part.layers.lowerBound + offset)\(rest)")
                    }
                    try add("\(stack ?? "")\(origins.count)\(rest)", slice, owners, at: position)
                }
                origins.append(
                    .init(model: parts[0].source.model, number: parts[0].layers.lowerBound + offset))
            }
        }
        try addLoose(models)
        return origins
    }

    private func only(
        _ stacks: LayerStacks, of model: MergeModel, _ source: Recipe.Source
    ) throws(Failure) -> (stack: String, count: Int) {
        guard let only = stacks.only else {
            let names = stacks.counts.keys.sorted { $0.precedesInBytes($1) }.joined(separator: ", ")
            throw Failure(
                .modelsIncompatible, "slices need models with one stack of layers",
                object: "line \(source.line): \(model.path)", path: recipe.path,
                actual: names.isEmpty ? "none" : names)
        }
        return only
    }

    /// What stands behind the number in the names of each of some layers.
    private static func rests(of model: MergeModel, _ stack: String, _ layers: Range<Int>) -> [Set<ExactKey>] {
        var rests = [Set<ExactKey>](repeating: [], count: layers.count)
        for tensor in model.tensors {
            guard let name = LayerName(tensor.name), name.stack == stack, layers.contains(name.number) else { continue }
            rests[name.number - layers.lowerBound].insert(ExactKey(name.rest))
        }
        return rests
    }

    /// What belongs to no layer: from the first slice if it stands before the layers, else from the last.
    private mutating func addLoose(_ models: RecipeModels) throws(Failure) {
        guard let first = recipe.slices.first, let last = recipe.slices.last else { return }
        for (slice, isBefore) in [(first, true), (last, false)] {
            let opened = try slice.sources.map { source throws(Failure) in try models(source.model) }
            var names: Set<ExactKey> = []
            for model in opened {
                for tensor in model.tensors
                where LayerName(tensor.name) == nil && EmbeddingNames.isBeforeLayers(tensor.name) == isBefore {
                    names.insert(ExactKey(tensor.name))
                }
            }
            for name in names.map(\.string).sorted(by: { $0.precedesInBytes($1) }) {
                try add(name, slice, zip(slice.sources, opened).map { ($0, $1, name) }, at: 0)
            }
        }
    }

    /// Where a layer lies among those of its slice, from 0 to 1; the only one at the end.
    private static func position(of layer: Int, among count: Int) -> Double {
        count > 1 ? Double(layer) / Double(count - 1) : 1
    }
}
