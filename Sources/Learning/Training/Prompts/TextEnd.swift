package import Checkpoints
package import Diagnostics
import Files
import JSON
package import Tokenization

/// The ids that end a text.
package enum TextEnd {
    private static let byteLimit = 64 << 20

    /// Those that `generation_config.json` names, or else `config.json`, or else the one of the tokenizer.
    package static func ids(of base: Checkpoint, _ tokenizer: Tokenizer?) throws(Failure) -> Set<Int32> {
        for name in ["generation_config.json", "config.json"] where base.companions.contains(name) {
            let path = Paths.joined(base.folder, name)
            let file = try InputFile(path: path)
            guard file.size <= byteLimit else {
                throw Failure(
                    .tooLarge, "the file is too large", path: path, expected: "at most \(byteLimit) bytes",
                    actual: "\(file.size)")
            }
            let config = try JSONValue.parse(
                try file.read(at: 0, count: file.size), path: path, limit: byteLimit)
            guard let member = config["eos_token_id"] else { continue }
            let ids = (member.array ?? [member]).compactMap { $0.int.flatMap { Int32(exactly: $0) } }
            if !ids.isEmpty { return Set(ids) }
        }
        return Set([tokenizer?.eos].compactMap(\.self))
    }
}
