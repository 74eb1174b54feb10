import Diagnostics
import JSON
import Support
import Testing

@Suite struct RoundTripTests {
    private static let sample =
        #"{"peft_type":"LORA","r":16,"x":[1.5e-3,null,true,"\u00e9\ud83d\ude00é😀\n"],"o":{"k":{}}}"#

    @Test func everyTruncationIsRefused() {
        let bytes = Array(Self.sample.utf8)
        #expect(failure(parsing: bytes) == nil)
        for count in 0..<bytes.count {
            let found = failure(parsing: Array(bytes[..<count]))
            #expect(found?.code == .jsonSyntax)
            #expect((found?.offset ?? .max) <= UInt64(count))
        }
    }

    /// Any one byte replaced by any other: read or refused, but never a crash, and what is read is written alike.
    @Test func everyByteReplaced() throws {
        let bytes = Array(Self.sample.utf8)
        for index in bytes.indices {
            for byte in UInt8.min...UInt8.max {
                var damaged = bytes
                damaged[index] = byte
                guard let value = try? JSONValue.parse(damaged) else { continue }
                #expect(try JSONValue.parse(JSONWriter.bytes(of: value, .compact)) == value)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func randomDocuments(seed: UInt64) throws {
        var random = RepeatableRandom(seed: seed)
        let styles: [JSONStyle] = [
            .compact, .pretty, .python(indent: 2, sortKeys: false), .python(indent: nil, sortKeys: false),
        ]
        for _ in 0..<500 {
            let value = random.value(depth: 5)
            for style in styles {
                #expect(try JSONValue.parse(JSONWriter.bytes(of: value, style)) == value, "seed \(seed)")
            }
        }
    }

    @Test func randomDoublesReadBack() throws {
        var random = RepeatableRandom(seed: 7)
        for _ in 0..<20_000 {
            let double = Double(bitPattern: random.next())
            guard double.isFinite else { continue }
            let text = try #require(JSONNumber(double)).text
            #expect(try parse(text).double?.bitPattern == double.bitPattern, "\(text)")
        }
    }
}

/// Documents by chance.
extension RepeatableRandom {
    fileprivate mutating func string() -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &self) {
            let bound: UInt32 = [0x20, 0x80, 0xA0, 0x3000, 0x11_0000].randomElement(using: &self) ?? 0x80
            text.unicodeScalars.append(Unicode.Scalar(.random(in: 0..<bound, using: &self)) ?? "?")
        }
        return text
    }

    fileprivate mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: return nil
        case 1: return .bool(.random(using: &self))
        case 2: return .init(Int.random(in: .min ... .max, using: &self))
        case 3: return .init(Double.random(in: -1e3...1e3, using: &self))
        case 4, 5: return .string(string())
        case 6: return .array((0..<Int.random(in: 0..<5, using: &self)).map { _ in value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<12, using: &self) { object[string()] = value(depth: depth - 1) }
            return .object(object)
        }
    }
}
