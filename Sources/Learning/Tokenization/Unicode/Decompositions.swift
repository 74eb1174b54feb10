/// What characters decompose to and compose of, by the tables of Unicode 9, which other tokenizers have.
///
/// A character that came later neither composes nor moves, and nothing moves past it.
struct Decompositions: Sendable {
    static let standard = Decompositions()

    /// Where the parts of a character lie in `parts`.
    private var canonical: [UInt32: Range<Int>] = [:]
    private var compatible: [UInt32: Range<Int>] = [:]
    private var parts: [Unicode.Scalar] = []
    private var composites: [UInt64: Unicode.Scalar] = [:]

    private init() {
        canonical = read(canonicalTable)
        compatible = read(compatibilityTable)
        let whole = canonical.filter { $0.value.count > 1 && !excludedFromComposition.contains($0.key) }
        var places: [[Unicode.Scalar]: UInt32] = [:]
        for (value, range) in whole { places[Array(parts[range])] = value }
        for (value, range) in whole {
            let start = parts[range.lowerBound..<range.upperBound - 1]
            guard let composite = Unicode.Scalar(value),
                let first = start.count == 1 ? start.first?.value : places[Array(start)]
            else { continue }
            composites[UInt64(first) << 32 | UInt64(parts[range.upperBound - 1].value)] = composite
        }
    }

    /// Takes up a table, as `Scripts/make-decompositions` describes it.
    private mutating func read(_ table: String) -> [UInt32: Range<Int>] {
        var found: [UInt32: Range<Int>] = [:]
        for run in table.utf8.split(separator: UInt8(ascii: ";")) {
            let halves = run.split(separator: UInt8(ascii: "="))
            guard halves.count == 2, var value = Self.number(halves[0]) else { continue }
            for entry in halves[1].split(separator: UInt8(ascii: ",")) {
                let counted = entry.split(separator: UInt8(ascii: "*"))
                let values = counted[0].split(separator: UInt8(ascii: "+")).compactMap(Self.number)
                for step in 0..<(counted.count > 1 ? Self.number(counted[1]) ?? 1 : 1) {
                    let start = parts.count
                    if let scalar = Unicode.Scalar(value), scalar.isAssigned(by: 9) {
                        parts += values.compactMap { Unicode.Scalar($0 + step) }
                        found[value] = start..<parts.count
                    }
                    value += 1
                }
            }
        }
        return found
    }

    private static func number(_ digits: Substring.UTF8View) -> UInt32? { UInt32(Substring(digits), radix: 16) }

    /// Calls `body` with each part of a character and whether it is the first.
    func forEachPart(of scalar: Unicode.Scalar, isCompatible: Bool, _ body: (Unicode.Scalar, _ isFirst: Bool) -> Void) {
        let value = scalar.value
        if value < 0xA0 { return body(scalar, true) }
        if let syllable = Hangul.parts(of: value) {
            var isFirst = true
            for part in syllable {
                body(part, isFirst)
                isFirst = false
            }
            return
        }
        guard let range = (isCompatible ? compatible[value] : nil) ?? canonical[value] else {
            return body(scalar, true)
        }
        for index in range { body(parts[index], index == range.lowerBound) }
    }

    func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        Hangul.composite(first.value, second.value) ?? composites[UInt64(first.value) << 32 | UInt64(second.value)]
    }

    /// The canonical combining class, 0 for what came after Unicode 9.
    static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
        if scalar.value < 0x300 { return 0 }
        let found = scalar.properties.canonicalCombiningClass.rawValue
        return found == 0 || scalar.isAssigned(by: 9) ? found : 0
    }
}

/// Syllables of Hangul, which are computed: Unicode 9, section 3.12.
private enum Hangul {
    static func parts(of value: UInt32) -> [Unicode.Scalar]? {
        guard (0xAC00..<0xAC00 + 11172).contains(value) else { return nil }
        let index = value - 0xAC00
        let tail = index % 28
        let values = [0x1100 + index / 588, 0x1161 + index % 588 / 28] + (tail == 0 ? [] : [0x11A7 + tail])
        return values.compactMap { Unicode.Scalar($0) }
    }

    static func composite(_ first: UInt32, _ second: UInt32) -> Unicode.Scalar? {
        if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
            return Unicode.Scalar(0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28)
        }
        guard (0xAC00..<0xAC00 + 11172).contains(first), (first - 0xAC00) % 28 == 0, (0x11A8..<0x11C3).contains(second)
        else { return nil }
        return Unicode.Scalar(first + second - 0x11A7)
    }
}
