import DeltaAlgebra
import Diagnostics
import JSON
import Tensors

/// From the YAML of a recipe to a ``Recipe``: strict, and every refusal names its line.
struct RecipeReader {
    let path: String
    private let text: String
    var findings: [Finding] = []

    /// More than any model has.
    private static let layerLimit = 1 << 16

    init(path: String, text: String) {
        self.path = path
        self.text = text
    }

    mutating func recipe(_ document: YAMLNode) throws(Failure) -> Recipe {
        let top = try members(
            document,
            [
                "merge_method", "models", "slices", "base_model", "parameters", "dtype", "out_dtype",
                "tokenizer_source", "tokenizer", "chat_template",
            ], of: "a recipe", refusing: ["modules": "several modules in a recipe are not understood"])
        guard let methodNode = top["merge_method"] else {
            throw refusal("the recipe names no merge_method", line: document.line)
        }
        let method = try method(methodNode)
        let base = try top["base_model"].map { node throws(Failure) in try model(node) }
        let parameters = try self.parameters(top["parameters"], at: .recipe, for: method)
        let slices: [Recipe.Slice]
        let isStacked: Bool
        switch (top["models"], top["slices"]) {
        case (let models?, nil):
            slices = [try whole(models, base: base, baseLine: top["base_model"]?.line ?? models.line, for: method)]
            isStacked = false
        case (nil, let list?):
            slices = try stacked(list, base: base, for: method)
            isStacked = true
        case (nil, nil): throw refusal("the recipe has neither models nor slices", line: document.line)
        case (.some, let list?): throw refusal("the recipe has both models and slices", line: list.line)
        }
        let dtype = try top["dtype"].flatMap { node throws(Failure) in try self.dtype(node) }
        let outDType = try top["out_dtype"].flatMap { node throws(Failure) in try self.dtype(node) }
        if method.base == .required, base == nil, slices.contains(where: { $0.base == nil }) {
            throw refusal("the method \(method.word) needs a base_model", line: methodNode.line)
        }
        let tokenizer = try tokenizer(top)
        if let tokenizer, tokenizer.source == .base, base == nil {
            throw refusal("the tokenizer is to be that of a base_model, and there is none", line: tokenizer.line)
        }
        let template = try top["chat_template"].flatMap { node throws(Failure) in try chatTemplate(node) }
        return Recipe(
            path: path, text: text, method: method, base: base, baseLine: top["base_model"]?.line, slices: slices,
            isStacked: isStacked,
            parameters: parameters,
            dtype: outDType ?? dtype, tokenizer: tokenizer, chatTemplate: template, findings: findings)
    }

    // MARK: Slices

    private mutating func whole(
        _ node: YAMLNode, base: ModelReference?, baseLine: Int, for method: any MergeMethod
    ) throws(Failure) -> Recipe.Slice {
        var sources: [Recipe.Source] = []
        for item in try list(node, "models") {
            let members = try members(item, ["model", "parameters"], of: "a model", inModel: true)
            guard let modelNode = members["model"] else { throw refusal("this names no model", line: item.line) }
            sources.append(
                Recipe.Source(
                    model: try model(modelNode), layers: nil,
                    parameters: try parameters(members["parameters"], at: .model, for: method), line: item.line,
                    modelLine: modelNode.line))
        }
        if let base, !sources.contains(where: { $0.model == base }) {
            sources.append(
                Recipe.Source(
                    model: base, layers: nil, parameters: ParameterTable(), line: node.line, modelLine: baseLine))
        }
        try checkDistinct(sources)
        try checkCount(sources, base: base, for: method, line: node.line)
        return Recipe.Slice(sources: sources, base: base, parameters: ParameterTable(), line: node.line)
    }

    private mutating func stacked(
        _ node: YAMLNode, base: ModelReference?, for method: any MergeMethod
    ) throws(Failure) -> [Recipe.Slice] {
        var slices: [Recipe.Slice] = []
        for item in try list(node, "slices") {
            let parts = try members(
                item, ["sources", "base_model", "parameters", "residual_weight"], of: "a slice")
            if let residual = parts["residual_weight"] { note("residual_weight", line: residual.line) }
            guard let list = parts["sources"] else { throw refusal("the slice has no sources", line: item.line) }
            var sources: [Recipe.Source] = []
            for source in try self.list(list, "sources") { sources.append(try stackedSource(source, for: method)) }
            try checkDistinct(sources)
            let own = try parts["base_model"].map { node throws(Failure) in try model(node) } ?? base
            if let own, method.base != .member, !sources.contains(where: { $0.model == own }) {
                throw refusal("the base_model is not among the sources of the slice", line: item.line, own.text)
            }
            guard let count = sources[0].layers?.count, sources.allSatisfy({ $0.layers?.count == count }) else {
                throw refusal("the sources of a slice have different numbers of layers", line: item.line)
            }
            try checkCount(sources, base: own, for: method, line: item.line)
            slices.append(
                Recipe.Slice(
                    sources: sources, base: own,
                    parameters: try parameters(parts["parameters"], at: .slice, for: method),
                    line: item.line))
        }
        return slices
    }

    private mutating func stackedSource(
        _ node: YAMLNode, for method: any MergeMethod
    ) throws(Failure) -> Recipe.Source {
        let parts = try members(node, ["model", "layer_range", "parameters"], of: "a source", inModel: true)
        guard let modelNode = parts["model"] else { throw refusal("this names no model", line: node.line) }
        guard let range = parts["layer_range"] else { throw refusal("the source has no layer_range", line: node.line) }
        let ends = range.list?.compactMap { whole($0) } ?? []
        guard ends.count == 2, range.list?.count == 2, ends[0] < ends[1], ends[1] <= Self.layerLimit else {
            throw refusal("a layer_range is a first layer and the one after the last: [0, 16]", line: range.line)
        }
        return Recipe.Source(
            model: try model(modelNode), layers: ends[0]..<ends[1],
            parameters: try parameters(parts["parameters"], at: .model, for: method), line: node.line,
            modelLine: modelNode.line)
    }

    private func checkDistinct(_ sources: [Recipe.Source]) throws(Failure) {
        for (index, source) in sources.enumerated()
        where sources[..<index].contains(where: { $0.model == source.model }) {
            throw refusal("a model stands twice", line: source.line, source.model.text)
        }
    }

    private func checkCount(
        _ sources: [Recipe.Source], base: ModelReference?, for method: any MergeMethod, line: Int
    ) throws(Failure) {
        let count = method.base == .member ? sources.count : sources.count { $0.model != base }
        guard method.modelCount.contains(count) else {
            let range = method.modelCount
            let wanted =
                range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "at least \(range.lowerBound)"
            throw Failure(
                .recipeInvalid, "the method \(method.word) takes another number of models", object: "line \(line)",
                path: path, expected: wanted + (method.base == .required ? " beside the base" : ""), actual: "\(count)")
        }
    }

    // MARK: Scalars

    private func method(_ node: YAMLNode) throws(Failure) -> any MergeMethod {
        guard let word = node.text else { throw refusal("merge_method is no word", line: node.line) }
        guard let method = MergeMethods.named(word) else {
            throw refusal("there is no such merge_method", line: node.line, word)
                .hint(Self.nearest(to: word, among: MergeMethods.all.map(\.word)))
        }
        return method
    }

    /// Nil for null.
    private func dtype(_ node: YAMLNode) throws(Failure) -> DType? {
        if node.isNull { return nil }
        let known: [(String, DType)] = [
            ("float16", .f16), ("bfloat16", .bf16), ("float32", .f32),
        ]
        let word = node.text.map { $0.hasPrefix("torch.") ? String($0.dropFirst(6)) : $0 }
        guard let match = known.first(where: { $0.0 == word }) else {
            throw refusal("there is no such dtype", line: node.line, word ?? node.description)
                .hint("one of " + known.map(\.0).joined(separator: ", "))
        }
        return match.1
    }

    /// A number that is whole and not negative.
    func whole(_ node: YAMLNode) -> Int? {
        guard case .number(let number) = node.scalar, number >= 0 else { return nil }
        return Int(exactly: number)
    }
}
