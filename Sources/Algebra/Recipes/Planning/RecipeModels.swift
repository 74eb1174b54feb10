import Checkpoints
import DeltaAlgebra
import Diagnostics
import Files
import Packaging
import Parallelism

/// The models of a recipe, opened: each checkpoint once, with the adapters that are to be on it.
struct RecipeModels: Sendable {
    /// In the order of the recipe.
    private(set) var all: [MergeModel] = []
    private var numbers: [ModelReference: Int] = [:]

    /// Throws ``Failure/Code/notFound`` for what is not there, ``Failure/Code/recipeInvalid`` for a revision that is not
    /// here, and what opening checkpoints and adapters throws.
    init(_ recipe: Recipe, lanes: Lanes, cache: FingerprintCache?) throws(Failure) {
        var opener = ModelOpener(base: recipe.base, lanes: lanes, cache: cache)
        for reference in recipe.models {
            numbers[reference] = all.count
            do throws(Failure) {
                all.append(try opener.open(reference))
            } catch {
                let line = recipe.line(of: reference).map { " in line \($0)" } ?? ""
                throw error.at(path: reference.text).hint("\(recipe.path) names it\(line)")
            }
        }
    }

    func callAsFunction(_ reference: ModelReference) throws(Failure) -> MergeModel {
        guard let number = numbers[reference] else {
            throw Failure(.internal, "a model was not opened", object: reference.text)
        }
        return all[number]
    }
}

private struct ModelOpener {
    let base: ModelReference?
    let lanes: Lanes
    let cache: FingerprintCache?
    private var checkpoints: [String: Checkpoint] = [:]

    init(base: ModelReference?, lanes: Lanes, cache: FingerprintCache?) {
        self.base = base
        self.lanes = lanes
        self.cache = cache
    }

    mutating func open(_ reference: ModelReference) throws(Failure) -> MergeModel {
        // A path may have the signs in it that separate revisions and adapters.
        if reference.model.revision != nil || reference.adapter != nil, try Folder.kind(of: reference.text) != nil {
            return try open(path: reference.text, adapter: nil, as: reference)
        }
        return try open(
            path: try resolved(reference.model),
            adapter: try reference.adapter.map { place throws(Failure) in try resolved(place) }, as: reference)
    }

    private mutating func open(
        path: String, adapter: String?, as reference: ModelReference
    ) throws(Failure) -> MergeModel {
        guard try Self.isAdapter(path) else {
            let checkpoint = try checkpoint(path)
            guard let adapter else { return try MergeModel(checkpoint, path: reference.text) }
            return try merged(checkpoint, adapter, as: reference)
        }
        guard adapter == nil else {
            throw Failure(.recipeInvalid, "the model that an adapter is to be put onto is an adapter", path: path)
        }
        guard let base, base != reference else {
            throw Failure(
                .recipeInvalid, "an adapter stands for a model, and there is no base_model to put it onto", path: path,
                hint: "model+adapter names both")
        }
        let model = try resolved(base.model)
        guard base.adapter == nil, try !Self.isAdapter(model) else {
            throw Failure(
                .recipeInvalid, "an adapter stands for a model, and the base_model has one already", path: path,
                hint: "model+adapter names both")
        }
        return try merged(try checkpoint(model), path, as: reference)
    }

    private func merged(
        _ checkpoint: Checkpoint, _ path: String, as reference: ModelReference
    ) throws(Failure) -> MergeModel {
        let input = try AdapterInput(path: path, lanes: lanes)
        let checked = try BaseBinder(checkpoint, lanes: lanes, cache: cache).answer(input.adapter, path: path)
        let adapter = WeightedAdapter(
            input.adapter, contentDigest: input.contentDigest, path: path, weight: 1)
        return try MergeModel(
            checkpoint, adapters: [adapter], path: reference.text, findings: input.findings + checked.findings)
    }

    private mutating func checkpoint(_ path: String) throws(Failure) -> Checkpoint {
        if let known = checkpoints[path] { return known }
        let opened = try Checkpoint(path: path)
        checkpoints[path] = opened
        return opened
    }

    // MARK: Paths

    /// Whether an adapter lies there and no whole model.
    private static func isAdapter(_ path: String) throws(Failure) -> Bool {
        switch try Folder.kind(of: path) {
        case .folder:
            let names = try Folder.entries(of: path).map(\.name)
            return names.contains("adapter_config.json")
                && !names.contains { $0 == "model.safetensors" || $0.hasSuffix(".safetensors.index.json") }
        case .file: return path.hasSuffix(".tenon")
        default: return false
        }
    }

    /// Where a model lies, or the state of it that a revision names, in a folder of a hub's cache.
    private func resolved(_ place: ModelReference.Place) throws(Failure) -> String {
        guard let revision = place.revision else { return try SourcePaths.resolveCache(place.path) }
        let snapshot = Paths.joined(place.path, "snapshots/\(revision)")
        if !revision.contains("/"), try Folder.kind(of: snapshot) == .folder { return snapshot }
        let reference = Paths.joined(place.path, "refs/\(revision)")
        if !revision.contains(".."), try Folder.kind(of: reference) == .file {
            let file = try InputFile(path: reference)
            let name = String(
                decoding: try file.read(at: 0, count: min(file.size, 256)).prefix { $0 > 0x20 && $0 != 0x2F },
                as: UTF8.self)
            return Paths.joined(place.path, "snapshots/\(name)")
        }
        throw Failure(
            .recipeInvalid, "this revision of the model is not here", object: revision, path: place.path,
            hint: "name the folder it was downloaded to")
    }
}
