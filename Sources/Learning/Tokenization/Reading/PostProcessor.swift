import Diagnostics
import JSON

/// The tokens that are put around a text.
struct PostProcessor: Hashable, Sendable {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    init() {}

    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here.
    init(json: JSONValue?) throws(Failure) {
        guard let json, !json.isNull else { return }
        for part in try json.flattened("post-processor", list: "processors") {
            switch part.type {
            case "ByteLevel": break
            case "TemplateProcessing": try addTemplate(part)
            case "RobertaProcessing", "BertProcessing":
                prefix = [try Self.id(part["cls"]?.array?.last)] + prefix
                suffix.append(try Self.id(part["sep"]?.array?.last))
            default: throw Failure.unsupportedTokenizer("the post-processor", part.type)
            }
        }
        guard prefix.count + suffix.count <= TokenizerLimits.specialTokenCount else {
            throw Failure(.tokenizerInvalid, "too many tokens are put around a text")
        }
    }

    private mutating func addTemplate(_ template: JSONValue) throws(Failure) {
        var before: [Int32] = []
        var after: [Int32]?
        for piece in template["single"]?.array ?? [] {
            if let name = piece["SpecialToken"]?["id"]?.string {
                guard let ids = template["special_tokens"]?[name]?["ids"]?.array else {
                    throw Failure(.tokenizerInvalid, "the template names a token it does not define", object: name)
                }
                for id in ids {
                    if after == nil { before.append(try Self.id(id)) } else { after?.append(try Self.id(id)) }
                }
            } else if piece["Sequence"]?["id"]?.string == "A", after == nil {
                after = []
            } else {
                throw Failure.unsupportedTokenizer("the post-processor", "a template of one text that asks for others")
            }
        }
        guard let after else {
            throw Failure.unsupportedTokenizer("the post-processor", "a template without the text")
        }
        prefix = before + prefix
        suffix += after
    }

    private static func id(_ json: JSONValue?) throws(Failure) -> Int32 {
        guard let id = json?.int, (0..<TokenizerLimits.idCount).contains(id) else {
            throw Failure(.tokenizerInvalid, "a token that is put around a text has no id that can be")
        }
        return Int32(id)
    }
}
