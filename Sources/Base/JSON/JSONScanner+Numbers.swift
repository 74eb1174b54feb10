package import Diagnostics

extension JSONScanner {
    /// The next value as an integer, which must be written as one, without fraction, exponent or a minus before zero.
    @_lifetime(self: copy self)
    package mutating func integer(in range: ClosedRange<Int> = 0...Int.max) throws(Failure) -> Int {
        try expect(.number)
        let start = position
        if let small = smallInteger(), range.contains(small) { return small }
        position = start
        return try locate(start) { scanner throws(Failure) in
            try scanner.scanNumber().int(in: range)
        }
    }

    /// The next value as a number with its text; it must lie within the range of a double.
    @_lifetime(self: copy self)
    package mutating func number() throws(Failure) -> JSONNumber {
        try expect(.number)
        return try locate(position) { scanner throws(Failure) in
            let number = try scanner.scanNumber()
            if number.mayExceedDouble { _ = try number.double() }
            return number
        }
    }

    /// Up to 18 digits without sign, fraction or exponent: what nearly all numbers are. Nil leaves the position
    /// undefined.
    private mutating func smallInteger() -> Int? {
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
            guard position - start < 18 else { return nil }
            value = value &* 10 &+ Int(digit)
            position += 1
        }
        let length = position - start
        guard length > 0, length == 1 || bytes[start] != UInt8(ascii: "0") else { return nil }
        switch current {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
        default: return value
        }
    }

    /// Checks the grammar of the number at the current byte and passes it.
    private mutating func scanNumber() throws(Failure) -> JSONNumber {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        let first = current
        try scanDigits("a digit")
        guard first != UInt8(ascii: "0") || bytes[position - 1] == first && isSingleDigit(since: start) else {
            throw syntax("a number begins with a zero too many", at: start, expected: nil, actual: nil)
        }
        if current == UInt8(ascii: ".") {
            position += 1
            try scanDigits("a digit after the decimal point")
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "-") || current == UInt8(ascii: "+") { position += 1 }
            try scanDigits("a digit of the exponent")
        }
        guard position - start <= JSONLimits.numberByteCount else {
            throw Failure(
                .jsonLimit, "a number is too long", offset: origin + UInt64(start), path: path,
                expected: "at most \(JSONLimits.numberByteCount) bytes", actual: "\(position - start)")
        }
        return JSONNumber(validated: text(start..<position, isASCII: true))
    }

    private func isSingleDigit(since start: Int) -> Bool {
        position - start == (bytes[start] == UInt8(ascii: "-") ? 2 : 1)
    }

    private mutating func scanDigits(_ expected: String) throws(Failure) {
        let start = position
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        guard position > start else { throw unexpected(expected) }
    }

    /// Adds the place to a failure that a number's text alone brought about.
    private mutating func locate<Value>(
        _ start: Int, _ body: (inout JSONScanner) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        do throws(Failure) {
            return try body(&self)
        } catch {
            var failure = error
            failure.offset = failure.offset ?? origin + UInt64(start)
            failure.path = failure.path ?? path
            throw failure
        }
    }
}
