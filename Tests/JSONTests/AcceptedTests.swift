import Diagnostics
import JSON
import Testing

@Suite struct AcceptedTests {
    /// A text and what it means.
    static let cases: [(String, JSONValue)] = [
        ("null", .null),
        ("true", true),
        ("false", false),
        ("0", 0),
        ("-1", -1),
        ("\"\"", ""),
        ("\"text alone\"", "text alone"),
        (" \t\r\n[ \t\r\n] \t\r\n", []),
        ("[]", []),
        ("{}", [:]),
        ("[[]]", [[]]),
        ("[{}]", [[:]]),
        ("[[],[[]]]", [[], [[]]]),
        ("[null,true,false]", [nil, true, false]),
        ("[1 , 2\n,3]", [1, 2, 3]),
        ("{ \"a\" : 1 , \"b\" : [ ] }", ["a": 1, "b": []]),
        ("{\"\":0}", ["": 0]),
        ("{\"a\":{\"a\":{\"a\":null}}}", ["a": ["a": ["a": nil]]]),
        (#"["\"\\\/\b\f\n\r\t"]"#, ["\"\\/\u{8}\u{C}\n\r\t"]),
        (#"["\u0041\u00e9\u20AC"]"#, ["A\u{E9}\u{20AC}"]),
        (#"["\uD834\uDD1E\ud834\udd1e"]"#, ["\u{1D11E}\u{1D11E}"]),
        (#"["\uDBFF\uDFFF\uD800\uDC00"]"#, ["\u{10FFFF}\u{10000}"]),
        (#"["\uD7FF\uE000\uFFFD"]"#, ["\u{D7FF}\u{E000}\u{FFFD}"]),
        (#"["\\u0041"]"#, ["\\u0041"]),
        (#"["\\\\n"]"#, ["\\\\n"]),
        (#"["a\u0000b"]"#, ["a\0b"]),
        (
            "[\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFD}\u{10000}\u{10FFFF}\"]",
            ["\u{7F}\u{80}\u{7FF}\u{800}\u{FFFD}\u{10000}\u{10FFFF}"]
        ),
        ("[\"// no comment\",\"/* nor this */\"]", ["// no comment", "/* nor this */"]),
        ("[\"[,]{:}\"]", ["[,]{:}"]),
        ("{\"a\\nb\":1}", ["a\nb": 1]),
        ("{\"z\":1,\"a\":2}", ["z": 1, "a": 2]),
        ("[9223372036854775807,-9223372036854775808]", [.init(Int.max), .init(Int.min)]),
        ("[1]\n", [1]),
    ]

    @Test(arguments: cases)
    func means(_ text: String, _ value: JSONValue) throws {
        #expect(try parse(text) == value)
        #expect(try JSONValue.parse(JSONWriter.bytes(of: value, .compact)) == value)
    }

    @Test(arguments: [
        ("0.5", 0.5), ("-0.0", -0.0), ("1.25e2", 125), ("1E2", 100), ("1e+2", 100), ("1e-2", 0.01),
        ("-1.5E-3", -0.0015),
        ("123.456789", 123.456789), ("0.0", 0), ("1e00", 1), ("1e0100", 1e100), ("12e0", 12), ("-9.87e06", -9_870_000),
        ("20e1", 200), ("0.30000000000000004", 0.1 + 0.2), ("2.2250738585072014e-308", .leastNormalMagnitude),
    ])
    func numbers(_ text: String, _ double: Double) throws {
        let value = try parse("[" + text + "]").array?[0]
        #expect(value?.number?.text == text)
        #expect(value?.double?.bitPattern == double.bitPattern)
    }

    @Test func accessorsGiveNilForOtherKinds() {
        let values: [JSONValue] = [nil, true, 1, "s", [], [:]]
        #expect(values.map(\.isNull) == [true, false, false, false, false, false])
        #expect(values.map { $0.bool != nil } == [false, true, false, false, false, false])
        #expect(values.map { $0.int != nil } == [false, false, true, false, false, false])
        #expect(values.map { $0.double != nil } == [false, false, true, false, false, false])
        #expect(values.map { $0.string != nil } == [false, false, false, true, false, false])
        #expect(values.map { $0.array != nil } == [false, false, false, false, true, false])
        #expect(values.map { $0.object != nil } == [false, false, false, false, false, true])
        #expect(values.map(\.kind) == [.null, .bool, .number, .string, .array, .object])
        #expect(values.map { $0["a"] } == [nil, nil, nil, nil, nil, nil] as [JSONValue?])
        #expect((["a": ["b": 7]] as JSONValue)["a"]?["b"]?.int == 7)
    }

    /// Objects keep their order through every change, also past the size from which keys are indexed.
    @Test func objectsKeepOrder() {
        var object = JSONObject()
        for index in 0..<30 { object["k\(index)"] = .init(index) }
        object["k3"] = "three"
        object["k7"] = nil
        object["none"] = nil
        object["k30"] = 30
        object["k7"] = "again"
        #expect(object.keys == (0..<31).filter { $0 != 7 }.map { "k\($0)" } + ["k7"])
        #expect(object["k3"] == "three")
        #expect(object["k29"]?.int == 29)
        #expect(object["k7"] == "again")
        #expect(object["none"] == nil)
    }
}
