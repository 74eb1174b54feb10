package import JSON

/// Where an adapter comes from: what made it, how, and of which others, back through the generations.
///
/// It lies in the container's metadata under ``key``, as JSON (`Spec/format.md`, "Lineage").
package struct Lineage: Hashable, Sendable {
    package static let key = "lineage"

    package struct Parent: Hashable, Sendable {
        /// What its container calls its content digest, in hexadecimal.
        package let contentDigest: String
        /// What it was called when it was used.
        package let name: String
        /// What its part was multiplied with; nil where that means nothing.
        package let weight: Double?
        /// Where it comes from in turn, if it says so.
        package let lineage: Lineage?

        package init(contentDigest: String, name: String, weight: Double? = nil, lineage: Lineage? = nil) {
            self.contentDigest = contentDigest
            self.name = name
            self.weight = weight
            self.lineage = lineage
        }
    }

    /// The program and its version.
    package let tool: String
    /// What was done with the parents: the verb, and what it was told.
    package let recipe: JSONObject
    package let parents: [Parent]

    package init(tool: String, recipe: JSONObject, parents: [Parent]) {
        self.tool = tool
        self.recipe = recipe
        self.parents = parents
    }

    /// What an adapter says of itself; nil where that is nothing that can be read.
    package init?(of adapter: Adapter) {
        guard let text = adapter.metadata[Self.key] else { return nil }
        self.init(parsing: text)
    }

    package init?(parsing text: String) {
        guard let document = try? JSONValue.parse(Array(text.utf8)) else { return nil }
        self.init(document)
    }

    private init?(_ document: JSONValue) {
        guard let tool = document["tool"]?.string, let recipe = document["recipe"]?.object,
            let list = document["parents"]?.array
        else { return nil }
        var parents: [Parent] = []
        for parent in list {
            guard let digest = parent["content"]?.string, let name = parent["name"]?.string else { return nil }
            parents.append(
                Parent(
                    contentDigest: digest, name: name, weight: parent["weight"]?.double,
                    lineage: parent["lineage"].flatMap { Lineage($0) }))
        }
        self.init(tool: tool, recipe: recipe, parents: parents)
    }

    // MARK: Writing

    package var document: JSONValue { document(generations: .max) }

    private func document(generations: Int) -> JSONValue {
        let parents = parents.map { parent -> JSONValue in
            var object = JSONObject()
            object["content"] = .string(parent.contentDigest)
            object["name"] = .string(parent.name)
            if let weight = parent.weight { object["weight"] = JSONValue(weight) }
            if generations > 1, let lineage = parent.lineage {
                object["lineage"] = lineage.document(generations: generations - 1)
            }
            return .object(object)
        }
        return ["tool": .string(tool), "recipe": .object(recipe), "parents": .array(parents)]
    }

    /// More of them a reader of JSON need not follow.
    private static let mostGenerations = 8
    /// What a string of a container holds.
    private static let mostBytes = 65_535

    /// Puts it into the metadata of an adapter, without the earliest generations where there is no room for them; nowhere at
    /// all, and then false, where not even the parents fit.
    @discardableResult
    package func record(in metadata: inout [String: String]) -> Bool {
        for generations in (1...Self.mostGenerations).reversed() {
            let text = JSONWriter.bytes(of: document(generations: generations), .compact)
            guard text.count <= Self.mostBytes else { continue }
            metadata[Self.key] = String(decoding: text, as: UTF8.self)
            return true
        }
        return false
    }

    // MARK: For people

    /// The verb and its options, as words.
    private var summary: String {
        recipe.members.map { member in
            let value =
                member.value.string ?? String(decoding: JSONWriter.bytes(of: member.value, .compact), as: UTF8.self)
            return member.key == "verb" ? value : "\(member.key)=\(value)"
        }.joined(separator: " ")
    }

    /// One line for each adapter, indented by its generation.
    package var tree: [String] {
        ["\(summary) (\(tool))"]
            + parents.flatMap { parent -> [String] in
                let lines = parent.lineage?.tree ?? []
                let weight = parent.weight.map { " × \($0)" } ?? ""
                let own = "\(parent.contentDigest)  \(parent.name)" + weight + (lines.first.map { ": " + $0 } ?? "")
                return ["  " + own] + lines.dropFirst().map { "  " + $0 }
            }
    }
}
