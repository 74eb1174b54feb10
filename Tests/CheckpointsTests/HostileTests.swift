import Checkpoints
import Diagnostics
import Testing

/// Every rule of the format, broken.
@Suite struct HostileTests {
    @Test(arguments: [
        Refused("empty file", bytes: [], at: 0),
        Refused("seven bytes", bytes: [2, 0, 0, 0, 0, 0, 0], at: 7),
        Refused("no header", bytes: prefix(0), at: 8),
        Refused("header longer than the file", bytes: prefix(3) + Array("{}".utf8), at: 0),
        Refused("header of 100,000,001 bytes", bytes: prefix(100_000_001) + Array("{}".utf8), at: 0),
        Refused("header of 2^63 bytes", bytes: prefix(1 << 63) + Array("{}".utf8), at: 0),
        Refused("header of 2^64 - 1 bytes", bytes: prefix(.max) + Array("{}".utf8), at: 0),
        Refused("header of 2^64 - 8 bytes", bytes: prefix(.max - 7) + Array("{}".utf8), at: 0),
        Refused("length in the other byte order", bytes: prefix(2).reversed() + Array("{}".utf8), at: 0),
        Refused("text instead of a length", bytes: Array("{\"a\":{}}".utf8), at: 0),
        Refused("array for an object", "[]", at: 8),
        Refused("space before the object", " {}", at: 8),
        Refused("byte order mark before the object", "\u{FEFF}{}", at: 8),
        Refused("newline for padding", "{}\n", at: 10),
        Refused("newline among the padding", "{} \n ", at: 11),
        Refused("tab for padding", "{} \t", at: 11),
        Refused("NUL for padding", "{}\0", at: 10, .jsonSyntax),
        Refused("second object", "{}{}", at: 10, .jsonSyntax),
        Refused("object without end", "{", at: 9, .jsonSyntax),
        Refused("data after no tensor", "{}", data: 1, at: 10),
    ])
    func frame(_ refused: Refused) { refused.check() }

    @Test(arguments: [
        Refused("tensor that is a number", #"{"a":1}"#, at: 13, on: "a"),
        Refused("tensor that is null", #"{"a":null}"#, at: 13, on: "a"),
        Refused("tensor without anything", #"{"a":{}}"#, at: 13, on: "a"),
        Refused("no type", #"{"a":{"shape":[1],"data_offsets":[0,1]}}"#, data: 1, at: 13, on: "a"),
        Refused("no shape", #"{"a":{"dtype":"U8","data_offsets":[0,1]}}"#, data: 1, at: 13, on: "a"),
        Refused("no range", #"{"a":{"dtype":"U8","shape":[1]}}"#, data: 1, at: 13, on: "a"),
        Refused("unknown key", #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}"#, at: 64, on: "a"),
        Refused("type in small letters", #"{"a":{"dtype":"u8","shape":[0],"data_offsets":[0,0]}}"#, at: 22, on: "a"),
        Refused("type of ours alone", #"{"a":{"dtype":"NF4","shape":[0],"data_offsets":[0,0]}}"#, at: 22, on: "a"),
        Refused("bits", #"{"a":{"dtype":"BIT","shape":[0],"data_offsets":[0,0]}}"#, at: 22, on: "a"),
        Refused("unknown type", #"{"a":{"dtype":"F128","shape":[0],"data_offsets":[0,0]}}"#, at: 22, on: "a"),
        Refused("type that is a number", #"{"a":{"dtype":8,"shape":[0],"data_offsets":[0,0]}}"#, at: 22, on: "a"),
        Refused(
            "shape that is a number", #"{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}"#, data: 1, at: 35, on: "a"),
        Refused("dimension that is a string", #"{"a":{"dtype":"U8","shape":["1"]}}"#, at: 36, on: "a"),
        Refused("dimension below zero", #"{"a":{"dtype":"U8","shape":[-1]}}"#, at: 36, on: "a", .jsonNumber),
        Refused("dimension with a fraction", #"{"a":{"dtype":"U8","shape":[1.0]}}"#, at: 36, on: "a", .jsonNumber),
        Refused("dimension with an exponent", #"{"a":{"dtype":"U8","shape":[1e0]}}"#, at: 36, on: "a", .jsonNumber),
        Refused(
            "dimension of 2^63", #"{"a":{"dtype":"U8","shape":[9223372036854775808]}}"#, at: 36, on: "a", .jsonNumber),
        Refused(
            "65 dimensions", #"{"a":{"dtype":"U8","shape":[1"# + String(repeating: ",1", count: 64) + "]}}", at: 35,
            on: "a"),
        Refused(
            "more elements than 64 bits count",
            #"{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, at: 13, on: "a"),
        Refused(
            "more bytes than 64 bits count",
            #"{"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, at: 13, on: "a"),
        Refused(
            "huge and empty", #"{"a":{"dtype":"U8","shape":[9223372036854775807,9,0],"data_offsets":[0,0]}}"#, at: 13,
            on: "a"),
        Refused("half a byte", #"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, data: 2, at: 13, on: "a"),
        Refused(
            "part of a byte", #"{"a":{"dtype":"F6_E2M3","shape":[2],"data_offsets":[0,2]}}"#, data: 2, at: 13, on: "a"),
        Refused(
            "range too short", #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}"#, data: 7, at: 55, on: "a"),
        Refused("range too long", #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}"#, data: 9, at: 55, on: "a"),
        Refused(
            "range of one offset", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1]}}"#, data: 1, at: 54, on: "a"),
        Refused("range of no offset", #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[]}}"#, at: 54, on: "a"),
        Refused(
            "range of three offsets", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}"#, data: 1, at: 54,
            on: "a"),
        Refused("range reversed", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, data: 1, at: 54, on: "a"),
        Refused(
            "range beyond the file", #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, data: 1, at: 54, on: "a"
        ),
        Refused(
            "range below zero", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}"#, at: 55, on: "a", .jsonNumber
        ),
        Refused(
            "range near 2^64", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,0]}}"#, at: 55,
            on: "a", .jsonNumber),
        Refused(
            "range near 2^63",
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]}}"#,
            data: 1, at: 54, on: "a"),
    ])
    func tensor(_ refused: Refused) { refused.check() }

    private static let a = #""a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}"#

    @Test(arguments: [
        Refused(
            "overlap", "{" + a + #","b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, data: 3, at: 106, on: "b"),
        Refused(
            "same range", "{" + a + #","b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, data: 2, at: 106, on: "b"
        ),
        Refused("hole", "{" + a + #","b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}"#, data: 4, at: 106, on: "b"),
        Refused(
            "hole at the beginning", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, data: 2, at: 54, on: "a"
        ),
        Refused("data after the last tensor", "{" + a + "}", data: 3, at: 63),
        Refused(
            "range within another", "{" + a + #","b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, data: 2,
            at: 106, on: "b"),
        Refused(
            "empty tensor within another", "{" + a + #","b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}"#, data: 2,
            at: 106, on: "b"),
        Refused(
            "empty tensor beyond the end", "{" + a + #","b":{"dtype":"U8","shape":[0],"data_offsets":[3,3]}}"#, data: 2,
            at: 106, on: "b"),
    ])
    func coverage(_ refused: Refused) { refused.check() }

    @Test(arguments: [
        Refused("tensor twice", "{" + a + "," + a + "}", data: 2, at: 61, on: "a", .jsonDuplicate),
        Refused("tensor twice, once escaped", "{" + a + #","\u0061":{}}"#, data: 2, at: 61, on: "a", .jsonDuplicate),
        Refused("key of a tensor twice", #"{"a":{"dtype":"U8","dtype":"U8"}}"#, at: 27, on: "dtype", .jsonDuplicate),
        Refused(
            "metadata twice", #"{"__metadata__":{},"__metadata__":{}}"#, at: 27, on: "__metadata__", .jsonDuplicate),
        Refused("key of the metadata twice", #"{"__metadata__":{"k":"1","k":"2"}}"#, at: 33, on: "k", .jsonDuplicate),
        Refused(
            "metadata that describes a tensor", #"{"__metadata__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
            data: 1, at: 46, on: "__metadata__"),
        Refused("metadata that is null", #"{"__metadata__":null}"#, at: 24, on: "__metadata__"),
        Refused("metadata that is a string", #"{"__metadata__":"pt"}"#, at: 24, on: "__metadata__"),
        Refused("metadata with a number", #"{"__metadata__":{"k":1}}"#, at: 29, on: "__metadata__"),
        Refused("metadata with an object", #"{"__metadata__":{"k":{}}}"#, at: 29, on: "__metadata__"),
    ])
    func names(_ refused: Refused) { refused.check() }

    @Test(arguments: [
        Refused(
            "invalid UTF-8 in a name", bytes: prefix(6) + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D], at: 10, .jsonSyntax),
        Refused("half a surrogate pair in a name", #"{"\ud800":{}}"#, at: 10, .jsonSyntax),
        Refused("comma at the end", "{" + a + ",}", data: 2, at: 61, .jsonSyntax),
        Refused("comment", "{" + a + "/**/}", data: 2, at: 60, .jsonSyntax),
        Refused("100,000 brackets", "{\"a\":" + String(repeating: "[", count: 100_000), at: 13, on: "a"),
    ])
    func text(_ refused: Refused) { refused.check() }

    @Test func deepNestingWhereAnythingIsSkippedNeverHappens() {
        // Nothing in a header may hold a value of any kind, so depth is bounded by the format's own three levels.
        #expect(failure(parsing: file(#"{"a":{"shape":[[1]]}}"#))?.code == .baseInvalid)
        #expect(failure(parsing: file(#"{"a":{"data_offsets":[[0],1]}}"#))?.code == .baseInvalid)
        #expect(failure(parsing: file(#"{"__metadata__":{"k":["v"]}}"#))?.code == .baseInvalid)
    }

    private static let whole = file(
        #"{"__metadata__":{"k":"v"},"b":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"a":{"dtype":"F4","shape":[2],"data_offsets":[4,5]}}   "#,
        data: 5)

    @Test func everyTruncationIsRefused() {
        #expect(failure(parsing: Self.whole) == nil)
        for count in Self.whole.indices {
            #expect(failure(parsing: Array(Self.whole[..<count])) != nil)
        }
    }

    /// Every byte replaced by every other: refused, or accepted with ranges that lie within the file.
    @Test func everyByteReplaced() {
        let headerEnd = Self.whole.count - 5
        for index in 0..<headerEnd {
            for byte in UInt8.min...UInt8.max {
                var damaged = Self.whole
                damaged[index] = byte
                guard let header = try? header(of: damaged) else { continue }
                var end = headerEnd
                for tensor in header.offsetOrder.map({ header.tensors[$0] }) {
                    #expect(tensor.range.lowerBound == end)
                    end = tensor.range.upperBound
                }
                #expect(end == damaged.count)
            }
        }
    }
}
