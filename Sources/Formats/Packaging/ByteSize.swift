/// A size as people write it: 512M, 20MB, 1GiB. M and MiB are 2^20; MB is 10^6.
package struct ByteSize: Hashable, Sendable {
    package let bytes: Int

    package init(_ bytes: Int) {
        self.bytes = bytes
    }

    /// Nil for what is no such size.
    package init?(_ text: String) {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let unit = text.dropFirst(digits.count).uppercased()
        guard let number = Double(digits), number > 0, let factor = Self.factor(of: unit) else { return nil }
        guard number * factor < 0x1p62 else { return nil }
        bytes = Int(number * factor)
    }

    private static func factor(of unit: String) -> Double? {
        if unit.isEmpty || unit == "B" { return 1 }
        guard let letter = unit.first, let power = "KMGT".firstIndex(of: letter) else { return nil }
        let exponent = Double("KMGT".distance(from: "KMGT".startIndex, to: power) + 1)
        var base = 1.0
        switch unit.dropFirst() {
        case "", "IB": for _ in 0..<Int(exponent) { base *= 1024 }
        case "B": for _ in 0..<Int(exponent) { base *= 1000 }
        default: return nil
        }
        return base
    }

    /// A size for people, in powers of ten: "1.07 GB".
    package static func text(_ bytes: Int) -> String {
        if bytes < 1000 { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = 0
        while value >= 999.5 && unit < 4 {
            value /= 1000
            unit += 1
        }
        return value.text(decimals: value < 10 ? 2 : value < 100 ? 1 : 0) + " " + ["B", "kB", "MB", "GB", "TB"][unit]
    }
}

extension ByteSize: CustomStringConvertible {
    /// As it may be typed: "1GiB", "20MB".
    package var description: String {
        for (letter, power) in zip("TGMK", [4, 3, 2, 1]) {
            for (unit, base) in [("iB", 1024), ("B", 1000)] {
                let factor = (0..<power).reduce(1) { product, _ in product * base }
                if bytes >= factor && bytes % factor == 0 { return "\(bytes / factor)\(letter)\(unit)" }
            }
        }
        return "\(bytes)B"
    }
}

extension Double {
    /// Rounded to so many decimals, always with them.
    package func text(decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (self * scale).rounded()
        guard scaled.magnitude < 0x1p53 else { return "\(self)" }
        let digits = String(Int(scaled.magnitude))
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = scaled < 0 ? "-" : ""
        if decimals == 0 { return sign + padded }
        return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// A share as a percentage: "34.1 %".
    package var percent: String { (self * 100).text(decimals: 1) + " %" }
}
