import Architectures
import Diagnostics
import JSON
import Layers

/// What a line of JSON holds that rows are made of.
struct DataLine {
    /// A prompt or a completion: text, or turns of a conversation.
    enum Part {
        case text(String)
        case messages([JSONValue])
    }

    var inputs: [Int32]?
    var labels: [Int32]?
    /// Whether `labels` is something else than one for each id.
    var hasOtherLabels = false
    var types: [Int32]?
    var text: String?
    var prompt: Part?
    var completion: Part?
    var messages: [JSONValue]?
    /// What the model of a conversation may call; null for nothing.
    var tools = JSONValue.null
    var instruction: String?
    var input: String?
    var output: String?
    /// All keys but those of ids and text.
    var others: [String] = []

    /// Throws ``Failure/Code/badDataLine`` and what the scanner throws.
    init(_ line: LineReader.Line, path: String, options: DataOptions) throws(Failure) {
        guard !line.isTooLong else {
            throw Failure(.badDataLine, "the line is too long", expected: "at most \(options.lineByteLimit) bytes")
        }
        var scanner = try JSONScanner(
            unsafe line.bytes.span.bytes, path: path, origin: UInt64(line.offset), limit: options.lineByteLimit,
            mismatch: .badDataLine)
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            let kind = try scanner.peek()
            switch key {
            case _ where kind == .null: try scanner.null()
            case "input_ids": inputs = try Self.ids(&scanner, key, below: options.vocabularySize)
            case "labels" where kind == .array:
                labels = try Self.ids(
                    &scanner, key,
                    below: options.task == .tokenClassification ? options.classCount : options.vocabularySize,
                    orIgnored: true)
            case "token_type_ids" where options.typeCount > 1:
                types = try Self.ids(&scanner, key, below: options.typeCount)
            case "text": text = try scanner.string()
            default:
                if key == "labels" { hasOtherLabels = true }
                others.append("`\(key)`")
                try read(&scanner, key, kind)
            }
        }
        try scanner.end()
    }

    /// A table's record.
    ///
    /// - Parameter names: Those of its columns, as many as `values`.
    init(_ names: [String], _ values: [String]) {
        for (name, value) in zip(names, values) {
            switch name {
            case "text": text = value
            case "prompt": prompt = .text(value)
            case "completion": completion = .text(value)
            case "instruction": instruction = value
            case "input": input = value
            case "output": output = value
            default: others.append("`\(name)`")
            }
        }
    }

    /// The columns that rows are made of.
    static let columns = ["text", "prompt", "completion", "instruction", "input", "output"]

    private mutating func read(_ scanner: inout JSONScanner, _ key: String, _ kind: JSONKind) throws(Failure) {
        switch (key, kind) {
        case ("messages", .array): messages = try scanner.value().array
        case ("tools", .array): tools = try scanner.value()
        case ("prompt", .string): prompt = .text(try scanner.string())
        case ("completion", .string): completion = .text(try scanner.string())
        case ("prompt", .array): prompt = .messages(try scanner.value().array ?? [])
        case ("completion", .array): completion = .messages(try scanner.value().array ?? [])
        case ("instruction", .string): instruction = try scanner.string()
        case ("input", .string): input = try scanner.string()
        case ("output", .string): output = try scanner.string()
        default: try scanner.skip()
        }
    }

    private static func ids(
        _ scanner: inout JSONScanner, _ key: String, below count: Int, orIgnored: Bool = false
    ) throws(Failure) -> [Int32] {
        let allowed = (orIgnored ? Int(Batch.ignored) : 0)...(min(count, Int(Int32.max)) - 1)
        var ids: [Int32] = []
        try scanner.beginArray()
        while try scanner.nextElement() {
            let place = scanner.offset
            let id = try scanner.integer(in: Int.min...Int.max)
            guard allowed.contains(id), id >= 0 || id == Int(Batch.ignored) else {
                throw Failure(
                    .badDataLine, "`\(key)` has an id that the model has not", offset: place,
                    expected: "0 to \(allowed.upperBound)" + (orIgnored ? " or \(Batch.ignored)" : ""), actual: "\(id)")
            }
            ids.append(Int32(id))
        }
        return ids
    }
}
