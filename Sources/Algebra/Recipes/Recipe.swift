package import DeltaAlgebra
package import Diagnostics
import Files
package import Tensors

/// How to merge models, as mergekit's YAML says it: `Spec/merge.md`.
package struct Recipe: Sendable {
    /// A model in a slice.
    struct Source: Sendable {
        let model: ModelReference
        /// Nil for all of them.
        let layers: Range<Int>?
        let parameters: ParameterTable
        let line: Int
        /// Where its model is named.
        let modelLine: Int
    }

    /// Some layers of some models, merged with each other.
    struct Slice: Sendable {
        var sources: [Source]
        let base: ModelReference?
        let parameters: ParameterTable
        let line: Int
    }

    /// The file, for messages.
    package let path: String
    /// As it is written.
    package let text: String
    package let method: any MergeMethod
    package let base: ModelReference?
    /// Where the base is named.
    let baseLine: Int?
    /// The dtype of the result's floats; nil for what the models have.
    package let dtype: DType?
    /// What the user ought to know of what means nothing.
    package let findings: [Finding]
    let slices: [Slice]
    /// Whether layers of models are put one after another, and not whole models merged.
    let isStacked: Bool
    let parameters: ParameterTable
    let tokenizer: TokenizerRequest?
    let chatTemplate: ChatTemplateRequest?

    /// All models that it names, each once, the base last if it is nowhere else.
    package var models: [ModelReference] {
        var models: [ModelReference] = []
        for slice in slices {
            for source in slice.sources where !models.contains(source.model) { models.append(source.model) }
        }
        if let base, !models.contains(base) { models.append(base) }
        for model in tokenizer?.models ?? [] where !models.contains(model) { models.append(model) }
        return models
    }

    /// Reads a recipe.
    ///
    /// Throws ``Failure/Code/recipeInvalid`` with the line for what is not understood, or cannot be.
    package init(_ text: String, path: String) throws(Failure) {
        var reader = RecipeReader(path: path, text: text)
        self = try reader.recipe(YAMLText.parse(text, path: path))
    }

    /// The first line that names a model.
    func line(of model: ModelReference) -> Int? {
        let sources = slices.flatMap(\.sources).filter { $0.model == model }.map(\.modelLine)
        let others = [
            model == base ? baseLine : nil, tokenizer?.models.contains(model) == true ? tokenizer?.line : nil,
        ]
        return (sources + others.compactMap(\.self)).min()
    }

    /// Reads a recipe from a file of UTF-8.
    package init(path: String) throws(Failure) {
        let file = try InputFile(path: path)
        guard file.size <= 4 << 20 else {
            throw Failure(
                .recipeInvalid, "the file is too long for a recipe", path: path, expected: "at most 4 MiB",
                actual: "\(file.size) bytes")
        }
        guard let text = String(validating: try file.read(at: 0, count: file.size), as: UTF8.self) else {
            throw Failure(.recipeInvalid, "the recipe is no UTF-8", path: path)
        }
        try self.init(text, path: path)
    }

    init(
        path: String, text: String, method: any MergeMethod, base: ModelReference?, baseLine: Int?, slices: [Slice],
        isStacked: Bool,
        parameters: ParameterTable, dtype: DType?, tokenizer: TokenizerRequest?, chatTemplate: ChatTemplateRequest?,
        findings: [Finding]
    ) {
        self.path = path
        self.text = text
        self.method = method
        self.base = base
        self.baseLine = baseLine
        self.slices = slices
        self.isStacked = isStacked
        self.parameters = parameters
        self.dtype = dtype
        self.tokenizer = tokenizer
        self.chatTemplate = chatTemplate
        self.findings = findings
    }
}
