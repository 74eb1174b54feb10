import Diagnostics
import JSON

extension RecipeReader {
    func refusal(_ what: String, line: Int, _ object: String? = nil) -> Failure {
        Failure(.recipeInvalid, what, object: "line \(line)" + (object.map { ": \($0)" } ?? ""), path: path)
    }

    mutating func note(_ what: String, line: Int, _ why: String = "means nothing") {
        findings.append(Finding("recipe-unused", "\(what) \(why)", object: "\(path), line \(line)"))
    }

    /// The members of a map, only keys that are known; those without a value count as not there.
    ///
    /// - Parameters:
    ///   - place: What it is, for messages.
    ///   - refused: Keys that are known and not understood, and why.
    ///   - inModel: Whether other keys may be parameters that stand one level too high.
    func members(
        _ node: YAMLNode, _ known: [String], of place: String, refusing refused: [String: String] = [:],
        inModel: Bool = false
    ) throws(Failure) -> [String: YAMLNode] {
        guard let map = node.map else {
            throw refusal("\(place) is no map", line: node.line, node.description)
        }
        var members: [String: YAMLNode] = [:]
        for member in map {
            if let why = refused[member.key] { throw refusal(why, line: member.line, member.key) }
            guard known.contains(where: { ExactKey($0) == ExactKey(member.key) }) else {
                let failure = refusal("\(place) has no such key", line: member.line, member.key)
                if inModel, ParameterReader.names.contains(member.key) {
                    throw failure.hint("it stands below `parameters`")
                }
                throw failure.hint(Self.nearest(to: member.key, among: known))
            }
            if !member.value.isNull { members[member.key] = member.value }
        }
        return members
    }

    /// A list that is not empty.
    func list(_ node: YAMLNode, _ name: String) throws(Failure) -> [YAMLNode] {
        guard let list = node.list, !list.isEmpty else {
            throw refusal("\(name) is no list of one or more", line: node.line, node.description)
        }
        return list
    }

    /// The word nearest to one that is not known, or all if none is near.
    static func nearest(to word: String, among known: [String]) -> String {
        let scored = known.map { (word: $0, distance: $0.editDistance(to: word)) }
        guard let best = scored.min(by: { $0.distance < $1.distance }), best.distance <= max(2, word.utf8.count / 3)
        else {
            return "one of " + known.joined(separator: ", ")
        }
        return "perhaps \(best.word)"
    }

    // MARK: Models

    /// A model as a text, or as a map.
    func model(_ node: YAMLNode) throws(Failure) -> ModelReference {
        guard node.map != nil else {
            guard let text = node.text, let reference = ModelReference(text) else {
                throw refusal("this names no model", line: node.line, node.description)
            }
            return reference
        }
        let parts = try members(node, ["model", "lora", "override_architecture"], of: "a model")
        guard let model = parts["model"] else { throw refusal("this names no model", line: node.line) }
        return ModelReference(
            model: try place(model), adapter: try parts["lora"].map { node throws(Failure) in try place(node) })
    }

    private func place(_ node: YAMLNode) throws(Failure) -> ModelReference.Place {
        if let text = node.text {
            let place = ModelReference.Place(text[...])
            guard place.isComplete else { throw refusal("this names no model", line: node.line, text) }
            return place
        }
        let parts = try members(node, ["path", "revision"], of: "a model's place")
        guard let path = parts["path"]?.text, !path.isEmpty else {
            throw refusal("this names no model", line: node.line)
        }
        guard let revision = parts["revision"] else { return ModelReference.Place(path: path) }
        guard let text = revision.text, !text.isEmpty else {
            throw refusal("a revision is no text", line: revision.line, revision.description)
        }
        return ModelReference.Place(path: path, revision: text)
    }
}
