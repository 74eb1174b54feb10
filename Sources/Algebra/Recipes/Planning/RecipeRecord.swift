import Adapters
import Checkpoints
import DeltaAlgebra
import Files
import JSON

/// What a merged checkpoint says of how it was made: the recipe as it is, where mergekit puts it too, and its lineage.
struct RecipeRecord {
    let recipe: Recipe
    let models: [MergeModel]
    let seed: UInt64
    /// The program and its version.
    let tool: String

    static let recipeName = "mergekit_config.yml"
    static let lineageName = "tenon_lineage.json"

    var files: [MergeFiles.Written] {
        [
            .init(name: Self.recipeName, bytes: Array(recipe.text.utf8)),
            .init(name: Self.lineageName, bytes: JSONWriter.bytes(of: lineage, .pretty) + [UInt8(ascii: "\n")]),
        ]
    }

    private var lineage: JSONValue {
        var steps = JSONObject()
        steps["verb"] = "merge"
        steps["merge_method"] = .string(recipe.method.word)
        steps["recipe"] = .string(Self.recipeName)
        if seed != 0 { steps["seed"] = JSONValue(seed) }
        return ["tool": .string(tool), "recipe": .object(steps), "parents": .array(models.map(parent))]
    }

    private func parent(_ model: MergeModel) -> JSONValue {
        var parent = JSONObject()
        parent["name"] = .string(model.path)
        parent["headers"] = .string("\(BaseFingerprint.headerDigest(of: model.checkpoint))")
        if !model.adapters.isEmpty {
            parent["adapters"] = .array(
                model.adapters.map { one in
                    var adapter = JSONObject()
                    adapter["content"] = .string("\(one.contentDigest)")
                    adapter["name"] = .string(Paths.lastComponent(of: one.path))
                    if let lineage = Lineage(of: one.adapter) { adapter["lineage"] = lineage.document }
                    return .object(adapter)
                })
        }
        return .object(parent)
    }
}
