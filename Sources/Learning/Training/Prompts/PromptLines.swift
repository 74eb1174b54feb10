package import Diagnostics
import Files
package import JSON
import Packaging

/// A line of a batch: what to go on from, and what of the run's options it has otherwise.
package struct PromptLine: Sendable {
    /// From 1.
    package let number: Int
    package let prompt: Prompt
    /// Whatever the line is known by; null where it does not say.
    package let id: JSONValue
    /// The adapters it wants; nil where it does not say.
    package let adapters: [String]?
    package let maximumTokens: Int?
    package let temperature: Double?
    package let seed: UInt64?
    package let stops: [String]?
}

/// Prompts in JSONL.
package enum PromptLines {
    private static let lineByteLimit = 16 << 20
    private static let keys = [
        "prompt", "messages", "tools", "input_ids", "system", "id", "adapter", "max_tokens", "temperature", "seed",
        "stop",
    ]

    /// All lines of a file but blank ones. Of `prompt`, `messages` and `input_ids` each has one.
    ///
    /// - Parameter isChat: Whether a `prompt` is a turn of a user.
    ///
    /// Throws ``Failure/Code/badDataLine`` with its number for the first line that is none of these, and
    /// ``Failure/Code/dataEmpty`` where there is no line.
    package static func read(_ path: String, isChat: Bool, system: String?) throws(Failure) -> [PromptLine] {
        var reader = LineReader(try InputFile.opened(path), limit: lineByteLimit)
        var lines: [PromptLine] = []
        while let line = try reader.next() {
            if line.isBlank { continue }
            do throws(Failure) {
                lines.append(try read(line, path, isChat: isChat, system: system))
            } catch {
                throw error.inLine(line.number, of: path)
            }
        }
        guard !lines.isEmpty else {
            throw Failure(.dataEmpty, "there are no prompts", path: path, expected: "a line of JSON for each")
        }
        return lines
    }

    private static func read(
        _ line: LineReader.Line, _ path: String, isChat: Bool, system: String?
    ) throws(Failure) -> PromptLine {
        guard !line.isTooLong else {
            throw Failure(.badDataLine, "the line is too long", expected: "at most \(lineByteLimit) bytes")
        }
        guard let object = try JSONValue.parse(line.bytes, path: path, limit: lineByteLimit).object else {
            throw Failure(.badDataLine, "the line is no object of JSON")
        }
        let fields = Fields(object: object)
        if let other = object.keys.first(where: { !keys.contains($0) }) {
            throw Failure(
                .badDataLine, "the line has a key that nothing is known of", expected: keys.joined(separator: ", "),
                actual: other)
        }
        return PromptLine(
            number: line.number, prompt: try fields.prompt(isChat: isChat, system: system), id: object["id"] ?? .null,
            adapters: try fields.names("adapter"),
            maximumTokens: try fields.value("max_tokens", "1 or more") { $0.int.flatMap { $0 >= 1 ? $0 : nil } },
            temperature: try fields.value("temperature", "0 or more") { value in
                value.double.flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
            },
            seed: try fields.value("seed", "0 to \(Int.max)") { $0.int.flatMap { $0 >= 0 ? UInt64($0) : nil } },
            stops: try fields.stops())
    }
}

/// The members of a line.
private struct Fields {
    let object: JSONObject

    /// Nil where there is no such member, or null.
    func value<Value>(
        _ key: String, _ expected: String, _ read: (JSONValue) -> Value?
    ) throws(Failure) -> Value? {
        guard let member = object[key], !member.isNull else { return nil }
        guard let value = read(member) else {
            throw Failure(
                .badDataLine, "`\(key)` is of the wrong kind", expected: expected,
                actual: String(decoding: JSONWriter.bytes(of: member, .compact).prefix(64), as: UTF8.self))
        }
        return value
    }

    func prompt(isChat: Bool, system: String?) throws(Failure) -> Prompt {
        let text = try value("prompt", "a text") { $0.string }
        let messages = try value("messages", "an array") { $0.array }
        let ids = try value("input_ids", "an array of ids") { value in
            value.array.flatMap { list in
                let ids = list.compactMap { $0.int.flatMap { Int32(exactly: $0) } }
                return ids.count == list.count ? ids : nil
            }
        }
        let own = try value("system", "a text") { $0.string }
        switch (text, messages, ids) {
        case (let text?, nil, nil):
            guard isChat else {
                if own != nil { throw Failure(.badDataLine, "`system` is for conversations, and the prompt is none") }
                return .text(text)
            }
            return .question(text, system: own ?? system)
        case (nil, let messages?, nil) where own == nil: return .messages(messages, tools: object["tools"] ?? .null)
        case (nil, nil, let ids?) where own == nil: return .ids(ids)
        default:
            throw Failure(
                .badDataLine, "the line has no prompt, or more than one",
                expected: "`prompt`, `messages` or `input_ids`",
                actual: object.keys.isEmpty ? "no keys" : object.keys.prefix(8).joined(separator: ", "))
        }
    }

    /// A name or several; none for null and for "".
    func names(_ key: String) throws(Failure) -> [String]? {
        guard let member = object[key] else { return nil }
        if member.isNull { return [] }
        return try value(key, "a name, or names") { value in
            value.string.map { $0.isEmpty ? [] : [$0] } ?? value.texts
        }
    }

    func stops() throws(Failure) -> [String]? {
        let stops = try value("stop", "a text that is not empty, or several") { value in
            value.string.map { [$0] } ?? value.texts
        }
        guard stops?.contains("") != true else { throw Failure(.badDataLine, "a text to stop at is empty") }
        return stops
    }
}

extension JSONValue {
    fileprivate var texts: [String]? {
        array.flatMap { list in
            let texts = list.compactMap(\.string)
            return texts.count == list.count ? texts : nil
        }
    }
}

extension Failure {
    /// The same as the fault of a line, but for what would stop any line.
    package func inLine(_ number: Int, of path: String) -> Failure {
        guard [.badDataLine, .templateRefused].contains(code) || code.word.hasPrefix("json-") else { return self }
        return asFault(ofLine: number, of: path)
    }
}
