import Diagnostics

/// What the result's vocabulary is to be.
struct TokenizerRequest: Sendable {
    enum Source: Hashable, Sendable {
        case base
        case union
        case model(ModelReference)
    }

    /// What the row of a token is to be in models that lack it.
    enum RowSource: Hashable, Sendable {
        /// That of the same token.
        case model(ModelReference)
        case token(String, ModelReference)
        case id(Int, ModelReference)
        case zero
    }

    struct Token: Sendable {
        let text: String
        let source: RowSource?
        /// Whether models that have the token take it as well.
        let isForced: Bool
        let line: Int
    }

    let source: Source
    let tokens: [Token]
    let multiple: Int?
    let line: Int

    /// The models that it names.
    var models: [ModelReference] {
        var models: [ModelReference] = []
        if case .model(let model) = source { models.append(model) }
        for token in tokens {
            switch token.source {
            case .model(let model), .token(_, let model), .id(_, let model): models.append(model)
            case .zero, nil: break
            }
        }
        return models
    }
}

/// Which chat template the result has.
enum ChatTemplateRequest: Hashable, Sendable {
    /// That which most models have.
    case commonest
    case text(String)
}

extension RecipeReader {
    func tokenizer(_ top: [String: YAMLNode]) throws(Failure) -> TokenizerRequest? {
        if let both = top["tokenizer"], top["tokenizer_source"] != nil {
            throw refusal("the recipe has both tokenizer_source and tokenizer", line: both.line)
        }
        if let node = top["tokenizer_source"] {
            return TokenizerRequest(source: try source(node), tokens: [], multiple: nil, line: node.line)
        }
        guard let node = top["tokenizer"] else { return nil }
        let parts = try members(node, ["source", "tokens", "pad_to_multiple_of"], of: "a tokenizer")
        var multiple: Int?
        if let node = parts["pad_to_multiple_of"] {
            guard let number = whole(node), (1...1 << 20).contains(number) else {
                throw refusal("pad_to_multiple_of is no number from 1 on", line: node.line, node.description)
            }
            multiple = number
        }
        var tokens: [TokenizerRequest.Token] = []
        if let map = parts["tokens"] {
            guard let members = map.map else { throw refusal("tokens are no map", line: map.line, map.description) }
            for member in members { tokens.append(try token(member)) }
        }
        return TokenizerRequest(
            source: try parts["source"].map { node throws(Failure) in try source(node) } ?? .union, tokens: tokens,
            multiple: multiple, line: node.line)
    }

    private func source(_ node: YAMLNode) throws(Failure) -> TokenizerRequest.Source {
        switch node.text {
        case "base": .base
        case "union": .union
        default: .model(try model(node))
        }
    }

    private func token(_ member: YAMLNode.Member) throws(Failure) -> TokenizerRequest.Token {
        guard !member.value.isNull else {
            return .init(text: member.key, source: nil, isForced: false, line: member.line)
        }
        let parts = try members(member.value, ["source", "force"], of: "a token")
        var isForced = false
        if let force = parts["force"] {
            guard case .flag(let flag) = force.scalar else {
                throw refusal("force is no true or false", line: force.line, force.description)
            }
            isForced = flag
        }
        let source = try parts["source"].map { node throws(Failure) in try rowSource(node) }
        return .init(text: member.key, source: source, isForced: isForced, line: member.line)
    }

    private func rowSource(_ node: YAMLNode) throws(Failure) -> TokenizerRequest.RowSource {
        guard let kind = node["kind"] else { return .model(try model(node)) }
        switch kind.text {
        case "zero":
            _ = try members(node, ["kind"], of: "a row of zeros")
            return .zero
        case "model_token":
            let parts = try members(node, ["kind", "model", "token", "token_id"], of: "a token of a model")
            guard let modelNode = parts["model"] else { throw refusal("this names no model", line: node.line) }
            let model = try model(modelNode)
            switch (parts["token"], parts["token_id"]) {
            case (let token?, nil):
                guard let text = token.text else {
                    throw refusal("the token is no text", line: token.line, token.description)
                }
                return .token(text, model)
            case (nil, let id?):
                guard let number = whole(id) else {
                    throw refusal("token_id is no number", line: id.line, id.description)
                }
                return .id(number, model)
            default: throw refusal("a token of a model is named by either token or token_id", line: node.line)
            }
        default:
            throw refusal("there is no such kind of row", line: kind.line, kind.description)
                .hint("one of model_token, zero")
        }
    }

    /// Nil for null.
    func chatTemplate(_ node: YAMLNode) throws(Failure) -> ChatTemplateRequest? {
        if node.isNull { return nil }
        guard let text = node.text else {
            throw refusal("the chat_template is no text", line: node.line, node.description)
        }
        if text == "auto" { return .commonest }
        guard text.contains("{") else {
            throw refusal("there are no built-in chat templates", line: node.line, text)
                .hint("write the template itself, or auto for that of the models")
        }
        return .text(text)
    }
}
