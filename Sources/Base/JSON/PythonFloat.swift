extension Double {
    /// What Python's `repr` gives for this finite value: the shortest digits that read back as it, in decimals from 1e-4
    /// up to below 1e16, otherwise with an exponent of at least two digits.
    var pythonRepresentation: String {
        let sign = self.sign == .minus ? "-" : ""
        guard self != 0 else { return sign + "0.0" }
        let (digits, point) = magnitude.shortestDigits
        if point <= -4 || point > 16 {
            let exponent = point - 1
            let rest = digits.dropFirst()
            let magnitude = String(exponent.magnitude)
            return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest) + (exponent < 0 ? "e-" : "e+")
                + (magnitude.utf8.count < 2 ? "0" : "") + magnitude
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if point >= digits.utf8.count {
            return sign + digits + String(repeating: "0", count: point - digits.utf8.count) + ".0"
        }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// The shortest decimal digits of a positive value, without zeros at either end, and where the decimal point stands:
    /// the value is 0.DIGITS times ten to the power `point`.
    private var shortestDigits: (digits: String, point: Int) {
        // The standard library's own text has the right digits and only another layout.
        let parts = description.split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = mantissa[0]
        let all = whole + (mantissa.count > 1 ? mantissa[1] : "")
        let significant = all.drop { $0 == "0" }
        let point = exponent + whole.utf8.count - (all.utf8.count - significant.utf8.count)
        let kept = significant.lastIndex { $0 != "0" }.map { significant[...$0] } ?? significant
        return (String(kept), point)
    }
}
