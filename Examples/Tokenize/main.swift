// What a tokenizer makes of lines, as JSON: `swift run -c release Tokenize TOKENIZER LINES [--time]`.
//
// LINES has one JSON text a line. Prints for each its ids, the offsets of the tokens, and the text that the ids decode to, with
// special tokens and without; with `--time` only how many bytes a second one thread encodes.
import Diagnostics
import Files
import JSON
import Tokenization

let output = OutputFile.standardOutput()

func lines(_ path: String) throws(Failure) -> [String] {
    let file = try InputFile(path: path)
    var texts: [String] = []
    for line in try file.read(at: 0, count: file.size).split(separator: 0x0A) {
        if let text = try JSONValue.parse(Array(line)).string { texts.append(text) }
    }
    return texts
}

func write(_ value: JSONValue) throws(Failure) {
    let line = JSONWriter.bytes(of: value, .compact) + [0x0A]
    try output.write(unsafe line.span.bytes)
}

func describe(_ text: String, _ tokenizer: Tokenizer) throws(Failure) {
    let encoding = tokenizer.encoding(of: text, hasOffsets: true)
    let ids = tokenizer.encode(text, addSpecialTokens: true)
    let value: JSONValue = [
        "ids": .array(ids.map { JSONValue($0) }), "same": .bool(ids == encoding.ids),
        "plain": .array(tokenizer.encode(text, addSpecialTokens: false).map { JSONValue($0) }),
        "offsets": .array(encoding.offsets.flatMap { [JSONValue($0.lowerBound), JSONValue($0.upperBound)] }),
        "decoded": .string(tokenizer.decode(ids)),
        "skipping": .string(tokenizer.decode(ids, skippingSpecialTokens: true)),
    ]
    try write(value)
}

func time(_ texts: [String], _ tokenizer: Tokenizer) throws(Failure) {
    let byteCount = texts.reduce(0) { $0 + $1.utf8.count }
    var best = Int64.max
    var count = 0
    for _ in 0..<5 {
        let start = Syscalls.monotonicNanoseconds()
        count = 0
        for text in texts { count += tokenizer.encode(text, addSpecialTokens: true).count }
        best = min(best, Syscalls.monotonicNanoseconds() - start)
    }
    let value: JSONValue = [
        "tokens": JSONValue(count), "bytesPerSecond": JSONValue(Double(byteCount) / Double(best) * 1e9),
    ]
    try write(value)
}

do throws(Failure) {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3 else { throw Failure(.internal, "usage: Tokenize TOKENIZER LINES [--time]") }
    let tokenizer = try Tokenizer(path: arguments[1])
    let texts = try lines(arguments[2])
    if arguments.count > 3 { try time(texts, tokenizer) } else { for text in texts { try describe(text, tokenizer) } }
    try output.commit()
} catch {
    print(error)
    Syscalls.exit(1)
}
