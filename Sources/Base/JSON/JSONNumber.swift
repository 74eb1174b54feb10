package import Diagnostics

/// A number as it is written: no digit is lost by reading and writing it.
///
/// Two numbers are equal when their texts are; `1.0` and `1` are not.
package struct JSONNumber: Hashable, Sendable {
    /// Its text, which follows the grammar of RFC 8259.
    package let text: String

    init(validated text: String) {
        self.text = text
    }

    package init(_ value: some FixedWidthInteger) {
        text = String(value)
    }

    /// The shortest text that reads back as `value`, laid out as Python does; nil for infinities and NaN.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = value.pythonRepresentation
    }

    /// Whether it is written as an integer: no fraction and no exponent.
    package var isInteger: Bool {
        text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || $0 &- UInt8(ascii: "0") < 10 }
    }

    /// Its exact value, refusing with ``Failure/Code/jsonNumber`` what is not written as an integer (`1.0`, `1e3`),
    /// `-0`, and what lies outside `range`.
    package func int(in range: ClosedRange<Int> = Int.min...Int.max) throws(Failure) -> Int {
        guard isInteger, text != "-0" else {
            throw Failure(.jsonNumber, "the number must be an integer", actual: shortText)
        }
        guard let value = Int(text), range.contains(value) else {
            throw Failure(
                .jsonNumber, "the integer is out of range", expected: "\(range.lowerBound) to \(range.upperBound)",
                actual: shortText)
        }
        return value
    }

    /// The double nearest to it, refusing with ``Failure/Code/jsonNumber`` what a double cannot hold: beyond its largest
    /// value, or so small that only zero would be left.
    package func double() throws(Failure) -> Double {
        guard let value = Double(text), value.isFinite, value != 0 || isZero else {
            throw Failure(.jsonNumber, "the number is out of a double's range", actual: shortText)
        }
        return value
    }

    /// Whether ``double()`` might refuse: never for short numbers without an exponent.
    var mayExceedDouble: Bool {
        text.utf8.count > 300 || text.utf8.contains { $0 | 0x20 == UInt8(ascii: "e") }
    }

    private var isZero: Bool {
        for byte in text.utf8 {
            if byte | 0x20 == UInt8(ascii: "e") { break }
            if (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(byte) { return false }
        }
        return true
    }

    private var shortText: String {
        text.utf8.count <= 40 ? text : text.prefix(37) + "…"
    }
}

extension JSONNumber: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int) { self.init(value) }
}
