import Diagnostics
import FuzzSupport
import JSON

// A JSON text: reading, passing over and writing agree with each other.

private enum Styles {
    static let all: [JSONStyle] = [
        .compact, .pretty, .python(indent: nil, sortKeys: false), .python(indent: 2, sortKeys: false),
    ]
}

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    let isPassed: Void? = accepted { () throws(Failure) in
        var scanner = try JSONScanner(unsafe bytes.span.bytes)
        try scanner.skip()
        try scanner.end()
    }
    let value = accepted { () throws(Failure) in try JSONValue.parse(bytes) }
    require((isPassed != nil) == (value != nil), "what can be read can be passed over, and nothing else")
    guard let value else { return 0 }
    for style in Styles.all {
        let text = JSONWriter.bytes(of: value, style)
        let again = demanded("what the writer writes can be read") { () throws(Failure) in
            try JSONValue.parse(text, limit: .max)
        }
        require(again == value, "writing and reading gives the same value")
        require(JSONWriter.bytes(of: again, style) == text, "writing twice gives the same text")
    }
    let sorted = JSONWriter.bytes(of: value, .python(indent: nil, sortKeys: true))
    accepted { () throws(Failure) in try JSONValue.parse(sorted, limit: .max) }
    if let number = value.number, let double = try? number.double() {
        require(JSONValue(double).double == double, "a double's own text reads back as it")
    }
    _ = value.int
    return 0
}
