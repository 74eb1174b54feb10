package import Digests
package import JSON

/// What an adapter was made from: kept as JSON under the metadata key `lineage`, so it never changes what the adapter does
/// (`Spec/format.md`, section 2).
package struct Lineage: Hashable, Sendable {
    /// One of the adapters it was made from.
    package struct Parent: Hashable, Sendable {
        /// What that one does, bound to no base.
        package let content: Digest
        /// What it was called: a file's name, without its folders.
        package let name: String
        package let weight: Double?

        package init(content: Digest, name: String, weight: Double? = nil) {
            self.content = content
            self.name = name
            self.weight = weight
        }
    }

    /// Name and version of what made it.
    package let tool: String
    /// The verb and what it was told.
    package let recipe: JSONObject
    package let parents: [Parent]

    package static let key = "lineage"

    package init(tool: String, recipe: JSONObject, parents: [Parent]) {
        self.tool = tool
        self.recipe = recipe
        self.parents = parents
    }

    package var text: String {
        let parents = parents.map { parent -> JSONValue in
            var object = JSONObject()
            object["content"] = .string("\(parent.content)")
            object["name"] = .string(parent.name)
            if let weight = parent.weight { object["weight"] = JSONValue(weight) }
            return .object(object)
        }
        let document: JSONValue = [
            "tool": .string(tool), "recipe": .object(recipe), "parents": .array(parents),
        ]
        return String(decoding: JSONWriter.bytes(of: document, .compact), as: UTF8.self)
    }
}
