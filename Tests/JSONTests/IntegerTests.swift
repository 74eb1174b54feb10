import Diagnostics
import JSON
import Testing

/// Reads one integer with the scanner.
private func integer(_ text: String, in range: ClosedRange<Int>) throws(Failure) -> Int {
    let bytes = Array(text.utf8)
    var scanner = try unsafe JSONScanner(bytes.span.bytes, origin: 8)
    let value = try scanner.integer(in: range)
    try scanner.end()
    return value
}

@Suite struct IntegerTests {
    @Test(arguments: [
        ("0", 0), ("7", 7), (" 42 ", 42), ("999999999999999999", 999_999_999_999_999_999),
        ("1000000000000000000", 1_000_000_000_000_000_000), ("9223372036854775807", Int.max), ("-1", -1),
        ("-9223372036854775808", Int.min), ("9007199254740993", 9_007_199_254_740_993),
    ])
    func exact(_ text: String, _ value: Int) throws {
        #expect(try integer(text, in: Int.min...Int.max) == value)
        #expect(try JSONValue.parse(Array(text.utf8)).int == value)
    }

    @Test(arguments: [
        "1.0", "1e3", "1E0", "0.0", "-0", "-0.0", "10e-1", "9223372036854775808", "-9223372036854775809",
        "18446744073709551616", "1e9999", "99999999999999999999999999999999",
    ])
    func refusedAnywhere(_ text: String) throws {
        let found = #expect(throws: Failure.self) { try integer(text, in: Int.min...Int.max) }
        #expect(found?.code == .jsonNumber)
        #expect(found?.offset == 8)
        if text != "1e9999" { #expect(try JSONValue.parse(Array(text.utf8)).int == nil) }
    }

    @Test(arguments: [("-1", 0...Int.max), ("9007199254740993", 0...(1 << 53)), ("0", 1...64), ("65", 1...64)])
    func refusedOutOfRange(_ text: String, _ range: ClosedRange<Int>) throws {
        let found = #expect(throws: Failure.self) { try integer(text, in: range) }
        #expect(found?.code == .jsonNumber)
    }

    @Test(arguments: ["01", "1.", "-", "1e", "00", "-01", "0123456789"])
    func malformed(_ text: String) throws {
        let found = #expect(throws: Failure.self) { try integer(text, in: Int.min...Int.max) }
        #expect(found?.code == .jsonSyntax)
    }

    @Test(arguments: ["null", "true", "\"1\"", "[1]", "{}"])
    func otherKinds(_ text: String) throws {
        let bytes = Array(("  " + text).utf8)
        let found = #expect(throws: Failure.self) {
            var scanner = try unsafe JSONScanner(bytes.span.bytes, mismatch: .configInvalid)
            _ = try scanner.integer()
        }
        #expect(found?.code == .configInvalid)
        #expect(found?.offset == 2)
        #expect(found?.expected == "number")
    }
}

@Suite struct ScannerTests {
    @Test func walksADocument() throws {
        let bytes = Array(#" {"a": [1, 2], "skip": {"x": [null, {"y": 1.5}]}, "b": true, "c": null, "d": "s"} "#.utf8)
        var scanner = try unsafe JSONScanner(bytes.span.bytes, origin: 100)
        var seen: [String] = []
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            seen.append(key)
            switch key {
            case "a":
                #expect(scanner.offset == 107)
                try scanner.beginArray()
                while try scanner.nextElement() { seen.append(String(try scanner.integer())) }
            case "b": #expect(try scanner.bool())
            case "c": try scanner.null()
            case "d": #expect(try scanner.string() == "s")
            default: try scanner.skip()
            }
        }
        try scanner.end()
        #expect(seen == ["a", "1", "2", "skip", "b", "c", "d"])
    }

    @Test(arguments: [#"{"a":{"b":1,"b":2}}"#, #"[1,[2,]]"#, #"["\ud800"]"#, "[1e999]", "[[01]]"])
    func skippingChecksAsReadingDoes(_ text: String) throws {
        let bytes = Array(text.utf8)
        let found = #expect(throws: Failure.self) {
            var scanner = try unsafe JSONScanner(bytes.span.bytes)
            try scanner.skip()
        }
        #expect(
            found?.description
                == failure(parsing: text).map { failure in
                    var failure = failure
                    failure.path = nil
                    return failure.description
                })
    }
}
