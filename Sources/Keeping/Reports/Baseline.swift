package import Diagnostics
import Files
import JSON
import Packaging

/// An earlier report, to hold a later one against.
package struct Baseline: Sendable {
    package let path: String
    package let storedBytes: Int
    /// What each item took then, by name.
    package let items: [String: Int]

    /// The most bytes that a report may have: those of one on a hundred thousand adapters.
    package static let mostBytes = 256 << 20

    /// Reads what `report --json` printed.
    ///
    /// Throws ``Failure/Code/badReport`` for anything else, the codes of JSON, and those of opening a file.
    package init(path: String) throws(Failure) {
        let file = try InputFile(path: path)
        guard file.size <= Self.mostBytes else {
            throw Self.bad("the file is too large for a report", path)
        }
        let document: JSONValue
        do throws(Failure) {
            document = try JSONValue.parse(
                try file.read(at: 0, count: file.size), path: path, limit: Self.mostBytes)
        } catch {
            guard error.code == .jsonSyntax else { throw error }
            var cause = error
            cause.path = nil
            throw Self.bad("the baseline is no JSON document", path, cause: cause.description)
        }
        guard document["format"]?.string == StorageReport.format else {
            throw Self.bad("the baseline is no report", path)
        }
        guard document["version"]?.int == StorageReport.version else {
            throw Self.bad(
                "the baseline is a report of another version", path, expected: "\(StorageReport.version)",
                actual: document["version"]?.number.map { "\($0)" })
        }
        guard let stored = document["storedBytes"]?.int, stored >= 0, let adapters = document["adapters"]?.array else {
            throw Self.bad("the baseline does not say what was stored", path)
        }
        var items: [String: Int] = [:]
        for adapter in adapters {
            guard let name = adapter["name"]?.string, let bytes = adapter["storedBytes"]?.int, bytes >= 0 else {
                throw Self.bad("the baseline has an adapter without a name or a size", path)
            }
            items[name] = bytes
        }
        self.path = path
        storedBytes = stored
        self.items = items
    }

    private static func bad(
        _ what: String, _ path: String, expected: String? = nil, actual: String? = nil, cause: String? = nil
    ) -> Failure {
        Failure(
            .badReport, what, path: path, expected: expected, actual: actual,
            hint: "give what tenon report --json printed", cause: cause)
    }
}

/// How a report stands to an earlier one.
package struct BaselineComparison: Sendable {
    package let baseline: Baseline
    package let storedBytes: Int
    /// As a share of the earlier bytes; nil where no limit is set.
    package let mostGrowth: Double?
    /// What came or grew since, most first: its name and by how many bytes.
    package let grown: [(name: String, bytes: Int)]

    package init(_ report: StorageReport, to baseline: Baseline, mostGrowth: Double?) {
        self.baseline = baseline
        self.mostGrowth = mostGrowth
        storedBytes = report.total.storedBytes
        grown = report.items.map { ($0.name, $0.chain.storedBytes - (baseline.items[$0.name] ?? 0)) }
            .filter { $0.1 > 0 }
            .sorted { a, b in a.1 == b.1 ? a.0.utf8.lexicographicallyPrecedes(b.0.utf8) : a.1 > b.1 }
            .map { (name: $0.0, bytes: $0.1) }
    }

    package var grownBytes: Int { storedBytes - baseline.storedBytes }

    /// As a share of what was stored then; nil where that was nothing.
    package var growth: Double? {
        baseline.storedBytes == 0 ? nil : Double(grownBytes) / Double(baseline.storedBytes)
    }

    /// Nothing may come to nothing, whatever the share.
    package var isWithin: Bool {
        guard let mostGrowth else { return true }
        return Double(grownBytes) <= mostGrowth * Double(baseline.storedBytes)
    }

    package var line: String {
        let sizes = "\(ByteSize.text(baseline.storedBytes)) to \(ByteSize.text(storedBytes))"
        let share = growth.map { ($0 >= 0 ? "+" : "") + $0.percent } ?? "from nothing"
        return "since the baseline: \(sizes), \(share)"
    }

    /// Why the limit is not kept, as ``Failure/Code/gateNotMet``; nil where it is.
    package var failure: Failure? {
        guard let mostGrowth, !isWithin else { return nil }
        var failure = Failure(
            .gateNotMet, "what is stored grew too much", expected: "at most \(mostGrowth.percent)",
            actual: "\(growth?.percent ?? "growth from nothing"), \(baseline.storedBytes) to \(storedBytes) bytes")
        for one in grown.prefix(5) { failure = failure.hint("\(one.name): \(ByteSize.text(one.bytes)) more") }
        return failure
    }

    /// A share such as "5%"; nil for what is none.
    package static func share(_ text: String) -> Double? {
        guard text.utf8.last == UInt8(ascii: "%") else { return nil }
        var digits = text.dropLast()
        while digits.last == " " { digits.removeLast() }
        guard let number = Double(digits), number.isFinite, number >= 0, number <= 1e9 else { return nil }
        return number / 100
    }

    var document: JSONValue {
        [
            "path": .string(baseline.path), "storedBytes": JSONValue(baseline.storedBytes),
            "grownBytes": JSONValue(grownBytes), "growth": growth.map { JSONValue($0) } ?? nil,
            "mostGrowth": mostGrowth.map { JSONValue($0) } ?? nil, "ok": .bool(isWithin),
            "grown": .array(
                grown.map { ["name": .string($0.name), "bytes": JSONValue($0.bytes)] }),
        ]
    }
}
