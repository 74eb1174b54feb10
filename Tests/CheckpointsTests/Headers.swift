import Checkpoints
import Diagnostics
import Testing

/// The bytes of a file with this header text, whose length comes before it, and so many zero bytes of data.
func file(_ text: String, data: Int = 0) -> [UInt8] {
    prefix(UInt64(text.utf8.count)) + Array(text.utf8) + [UInt8](repeating: 0, count: data)
}

/// A header length as it is written.
func prefix(_ length: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
}

/// Parses the header of a whole file in memory.
func header(of file: [UInt8]) throws(Failure) -> SafetensorsHeader {
    let length = file.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let end = file.count >= 8 ? 8 + Int(min(length, UInt64(file.count - 8))) : file.count
    return try SafetensorsHeader(parsing: Array(file[..<end]), fileByteCount: file.count, path: "model.safetensors")
}

/// The failure that parsing the header of a file ends in, or nil.
func failure(parsing file: [UInt8]) -> Failure? {
    do throws(Failure) {
        _ = try header(of: file)
        return nil
    } catch {
        return error
    }
}

/// A file that must be refused, and how.
struct Refused: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let code: Failure.Code
    let offset: UInt64
    let object: String?

    init(
        _ name: String, _ text: String, data: Int = 0, at offset: UInt64, on object: String? = nil,
        _ code: Failure.Code = .baseInvalid
    ) {
        self.init(name, bytes: file(text, data: data), at: offset, on: object, code)
    }

    init(
        _ name: String, bytes: [UInt8], at offset: UInt64, on object: String? = nil,
        _ code: Failure.Code = .baseInvalid
    ) {
        self.name = name
        self.bytes = bytes
        self.code = code
        self.offset = offset
        self.object = object
    }

    var testDescription: String { name }

    func check() {
        let found = failure(parsing: bytes)
        #expect(found?.code.word == code.word, "\(name): \(String(describing: found))")
        #expect(found?.offset == offset, "\(name): \(String(describing: found))")
        #expect(found?.object == object, "\(name): \(String(describing: found))")
        #expect(found?.path == "model.safetensors")
    }
}
