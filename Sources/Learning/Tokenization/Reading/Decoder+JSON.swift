import Diagnostics
import JSON

extension Decoder {
    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here.
    init(json: JSONValue?) throws(Failure) {
        guard let json, !json.isNull else {
            steps = nil
            return
        }
        var steps: [Step] = []
        for part in try json.flattened("decoder", list: "decoders") { steps.append(try Self.step(part)) }
        self.steps = steps
    }

    private static func step(_ part: JSONValue) throws(Failure) -> Step {
        switch part.type {
        case "ByteLevel": return .byteLevel
        case "ByteFallback": return .byteFallback
        case "Fuse": return .fuse
        case "Strip":
            let counts = [part["start"]?.int, part["stop"]?.int].map { $0 ?? 0 }
            guard let content = part["content"]?.string, content.unicodeScalars.count == 1,
                let scalar = content.unicodeScalars.first, counts.allSatisfy({ (0...1 << 10).contains($0) })
            else { throw Failure(.tokenizerInvalid, "the decoder `Strip` has no character or no counts that can be") }
            return .strip(scalar, start: counts[0], stop: counts[1])
        case "Replace":
            return .replace(try BytePattern(json: part, of: "the decoder"), with: try part.bytes("content"))
        case "Metaspace":
            let metaspace = try Metaspace(json: part)
            return .metaspace(sign: metaspace.sign, dropsFirst: metaspace.scheme != .never)
        case "WordPiece":
            return .wordPieces(prefix: try part.bytes("prefix"), cleans: part["cleanup"]?.bool ?? true)
        default: throw Failure.unsupportedTokenizer("the decoder", part.type)
        }
    }
}
