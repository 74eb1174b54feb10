import Diagnostics
import JSON
import Testing

@Suite struct DuplicateTests {
    @Test(arguments: [
        Refused("same key", #"{"a":1,"a":1}"#, at: 7, .jsonDuplicate),
        Refused("same key, other value", #"{"a":1,"b":2,"a":3}"#, at: 13, .jsonDuplicate),
        Refused("same key once escaped", #"{"a":1,"\u0061":2}"#, at: 7, .jsonDuplicate),
        Refused("both escaped, letters of other case", #"{"\u00e9":1,"\u00E9":2}"#, at: 12, .jsonDuplicate),
        Refused("pair of surrogates and the character", #"{"😀":1,"\uD83D\uDE00":2}"#, at: 10, .jsonDuplicate),
        Refused("short escape and long", #"{"\n":1,"\u000a":2}"#, at: 8, .jsonDuplicate),
        Refused("slash escaped", #"{"a/b":1,"a\/b":2}"#, at: 9, .jsonDuplicate),
        Refused("empty keys", #"{"":1,"":2}"#, at: 6, .jsonDuplicate),
        Refused("within an array", #"[{"a":1},{"a":1,"a":2}]"#, at: 16, .jsonDuplicate),
        Refused("after an inner object with that key", #"{"a":{"a":1},"a":2}"#, at: 13, .jsonDuplicate),
        Refused("within an inner object", #"{"b":{"a":1,"a":2}}"#, at: 12, .jsonDuplicate),
        Refused("fault before duplicate", #"{"a":1,"a" 2}"#, at: 11, .jsonSyntax),
    ])
    func refused(_ refused: Refused) { refused.check() }

    @Test func theKeyIsNamed() {
        #expect(failure(parsing: #"{"rank":1,"rank":2}"#)?.object == "rank")
    }

    @Test func keysOfOtherObjectsAreNoDuplicates() throws {
        #expect(failure(parsing: #"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"c":{"b":1}}"#) == nil)
    }

    /// Same to the eye and to Swift, but other bytes: both are kept and each is found.
    @Test func codePointsDecide() throws {
        let object = try #require(parse(#"{"\u00e9":1,"e\u0301":2,"E\u0301":3}"#).object)
        #expect(object.count == 3)
        #expect(object["\u{E9}"]?.int == 1)
        #expect(object["e\u{301}"]?.int == 2)
    }

    /// One object of every size around where the way of looking for duplicates changes, with each pair of places.
    @Test func everyPairOfPlaces() {
        for count in 2...20 {
            for second in 1..<count {
                for first in [0, second / 2, second - 1] {
                    let keys = (0..<count).map { $0 == second ? "k\(first)" : "k\($0)" }
                    let text = "{" + keys.map { "\"\($0)\":{\"k0\":0}" }.joined(separator: ",") + "}"
                    let found = failure(parsing: text)
                    #expect(found?.code == .jsonDuplicate)
                    #expect(found?.object == "k\(first)")
                }
            }
        }
    }

    /// A hundred thousand keys take a hundred times a thousand's time, not ten thousand times.
    @Test func manyKeysTakeLinearTime() throws {
        var text = "{"
        for index in 0..<100_000 { text += "\"key \(index)\":0," }
        let bytes = Array((text + "\"key 99999\":0}").utf8)
        let clock = ContinuousClock()
        let seconds = clock.measure {
            #expect(failure(parsing: bytes)?.code == .jsonDuplicate)
        }
        #expect(seconds < .seconds(30))
    }

    /// Keys that Swift's own hash cannot tell apart: the same marks on one letter in other orders.
    @Test func keysOfEqualNormalFormTakeLinearTime() throws {
        let letters = [Array("a\u{301}\u{323}".utf8), Array("a\u{323}\u{301}".utf8)]
        var bytes = Array("{".utf8)
        for number in 0..<(1 << 13) {
            bytes += Array("\"".utf8)
            for bit in 0..<13 { bytes += letters[number >> bit & 1] }
            bytes += Array("\":0,".utf8)
        }
        bytes[bytes.count - 1] = UInt8(ascii: "}")
        let clock = ContinuousClock()
        let seconds = clock.measure { #expect(failure(parsing: bytes) == nil) }
        #expect(seconds < .seconds(30))
    }
}
