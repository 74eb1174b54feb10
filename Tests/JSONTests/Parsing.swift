import Diagnostics
import JSON
import Testing

/// The failure that reading `bytes` as a document ends in, or nil.
func failure(parsing bytes: [UInt8], limit: Int = JSONLimits.byteCount) -> Failure? {
    do throws(Failure) {
        _ = try JSONValue.parse(bytes, path: "config.json", limit: limit)
        return nil
    } catch {
        return error
    }
}

func failure(parsing text: String) -> Failure? {
    failure(parsing: Array(text.utf8))
}

func parse(_ text: String) throws -> JSONValue {
    try JSONValue.parse(Array(text.utf8))
}

/// The text of a value in the given style.
func text(_ value: JSONValue, _ style: JSONStyle) -> String {
    String(decoding: JSONWriter.bytes(of: value, style), as: UTF8.self)
}

/// A JSON text that must be refused, and how.
struct Refused: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let code: Failure.Code
    let offset: UInt64

    init(_ name: String, _ text: String, at offset: UInt64, _ code: Failure.Code = .jsonSyntax) {
        self.init(name, bytes: Array(text.utf8), at: offset, code)
    }

    init(_ name: String, bytes: [UInt8], at offset: UInt64, _ code: Failure.Code = .jsonSyntax) {
        self.name = name
        self.bytes = bytes
        self.offset = offset
        self.code = code
    }

    var testDescription: String { name }

    func check() {
        let found = failure(parsing: bytes)
        #expect(found?.code.word == code.word, "\(name)")
        #expect(found?.offset == offset, "\(name)")
        #expect(found?.path == "config.json", "\(name)")
    }
}
