package import Adapters
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
        /// Where it comes from in turn, if it says so.
        package let lineage: Lineage?

        package init(contentDigest: String, name: String, lineage: Lineage? = nil) {
            self.contentDigest = contentDigest
            self.name = name
            self.lineage = lineage
        }
    }

    /// The program and its version.
    package let tool: String
    /// What was done with the parents: a command's options, or a recipe's text.
    package let recipe: String
    package let parents: [Parent]

    package init(tool: String, recipe: String, parents: [Parent]) {
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
        guard let tool = document["tool"]?.string, let recipe = document["recipe"]?.string,
            let list = document["parents"]?.array
        else { return nil }
        var parents: [Parent] = []
        for parent in list {
            guard let digest = parent["content"]?.string, let name = parent["name"]?.string else { return nil }
            parents.append(
                Parent(contentDigest: digest, name: name, lineage: parent["lineage"].flatMap { Lineage($0) }))
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
            if generations > 1, let lineage = parent.lineage {
                object["lineage"] = lineage.document(generations: generations - 1)
            }
            return .object(object)
        }
        return ["tool": .string(tool), "recipe": .string(recipe), "parents": .array(parents)]
    }

    /// More of them a reader of JSON need not follow.
    private static let mostGenerations = 8
    /// What a string of a container holds.
    private static let mostBytes = 65_535

    /// Puts it into an adapter's metadata, without the earliest generations where there is no room for them; nowhere at
    /// all, and then false, where not even the parents fit.
    @discardableResult
    package func record(in adapter: inout Adapter) -> Bool {
        for generations in (1...Self.mostGenerations).reversed() {
            let text = JSONWriter.bytes(of: document(generations: generations), .compact)
            guard text.count <= Self.mostBytes else { continue }
            adapter.metadata[Self.key] = String(decoding: text, as: UTF8.self)
            return true
        }
        return false
    }

    // MARK: For people

    /// One line for each adapter, indented by its generation.
    package var tree: [String] {
        ["\(recipe) (\(tool))"]
            + parents.flatMap { parent -> [String] in
                let lines = parent.lineage?.tree ?? []
                let own = "\(parent.contentDigest)  \(parent.name)" + (lines.first.map { ": " + $0 } ?? "")
                return ["  " + own] + lines.dropFirst().map { "  " + $0 }
            }
    }
}
