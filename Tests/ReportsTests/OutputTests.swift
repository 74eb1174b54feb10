import DeltaFormat
import Diagnostics
import Documents
import Files
import JSON
import Reports
import Support
import Testing

@Suite("A report as text, JSON, Markdown and a page")
struct OutputTests {
    private static let hostile = "</script><img src=x onerror=alert(1)>|`\u{1B}[31m\u{202E}"

    private func holdings(_ count: Int, in place: TemporaryFolder, name: (Int) -> String) throws -> [Holding] {
        try Collections.write(try Collections.lora(base: 4096), to: place("a.tenon"))
        try Collections.write(try Collections.lora(seed: 2), to: place("b.tenon"))
        return (0..<count).map { number in
            Holding(
                form: .container, path: place(number % 2 == 0 ? "a.tenon" : "b.tenon"), names: [name(number)],
                added: Int64(number) * 86_400_000_000_000)
        }
    }

    private func price(_ perGB: Double = 0.023) throws -> StoragePrice { try #require(StoragePrice(perGB: perGB)) }

    @Test("what is printed for scripts is read again as a baseline")
    func baseline() throws {
        let place = try TemporaryFolder()
        let report = try ReportBuilder(lanes: Collections.lanes).report(
            on: holdings(2, in: place) { "n\($0)" })
        let document = try report.document(price: price())
        #expect(document["storedBytes"]?.int == report.total.storedBytes && document["format"] == "tenon-report")
        let savings = document["savings"]?.object?.members.compactMap(\.value.int).reduce(0, +)
        #expect(savings == document["savedBytes"]?.int)
        let path = try place.write(JSONWriter.bytes(of: document, .pretty), to: "old.json")
        let same = BaselineComparison(report, to: try Baseline(path: path), mostGrowth: 0)
        #expect(same.isWithin && same.failure == nil && same.grownBytes == 0 && same.grown.isEmpty)
        let less = try ReportBuilder(lanes: Collections.lanes).report(on: [holdings(1, in: place) { "n\($0)" }[0]])
        let smaller = try place.write(
            JSONWriter.bytes(of: less.document(price: price()), .pretty), to: "less.json")
        let grown = BaselineComparison(report, to: try Baseline(path: smaller), mostGrowth: 0.05)
        #expect(!grown.isWithin && grown.failure?.code.word == "gate-not-met" && grown.grown.map(\.name) == ["n1"])
        for text in ["", "[]", "{}", "{\"format\":\"tenon-report\",\"version\":2}", "no"] {
            let bad = try place.write(Array(text.utf8), to: "bad.json")
            #expect(throws: (any Error).self) { try Baseline(path: bad) }
        }
        for (text, share) in [("5%", 0.05), ("0 %", 0), ("5", nil), ("-1%", nil), ("nan%", nil), ("%", nil)]
            as [(String, Double?)]
        {
            #expect(BaselineComparison.share(text) == share)
        }
    }

    @Test("names are never markup, nor codes for a terminal")
    func hostile() throws {
        let place = try TemporaryFolder()
        let report = try ReportBuilder(lanes: Collections.lanes).report(
            on: holdings(2, in: place) { "\($0)" + Self.hostile })
        let page = try ReportPage(report, price: price()).page.html
        #expect(!page.contains("<img") && !page.contains("\u{202E}") && !page.contains("\u{1B}"))
        let markdown = try ReportMarkdown(report, price: price()).text
        #expect(!markdown.contains("<img") && !markdown.contains("`") && !markdown.contains("\u{1B}"))
        for line in try ReportText(report, price: price(), listsAll: true).lines {
            #expect(!line.contains("\u{1B}") && !line.contains("\u{202E}"))
        }
        #expect(try ReportText(report, price: price(), usesColor: true).lines.contains { $0.contains("\u{1B}[36m") })
    }

    @Test("a thousand adapters fit a page of 2 MB and a summary of 1 MiB, however long their names")
    func sizes() throws {
        let place = try TemporaryFolder()
        try Folder.make(place("c"))
        // Each a file of its own, or they would be names of two.
        let holdings = try (0..<1000).map { number in
            let path = place("c/\(number).tenon")
            try Collections.write(try Collections.lora(rank: 1, seed: UInt64(number), base: number), to: path, .fast)
            return Holding(
                form: .container, path: path, names: ["team-\(number % 7)/adapter-\(number)"],
                added: Int64(number) * 86_400_000_000_000)
        }
        let report = try ReportBuilder(lanes: Collections.lanes).report(on: holdings)
        let page = try ReportPage(report, price: price()).page.html
        #expect(report.items.count == 1000 && page.utf8.count < 2_000_000, "\(page.utf8.count)")
        let long = holdings.map { holding in
            Holding(
                form: .container, path: holding.path, names: [String(repeating: holding.names[0] + "&", count: 500)])
        }
        let other = try ReportBuilder(lanes: Collections.lanes).report(on: long)
        #expect(try ReportMarkdown(other, price: price()).text.utf8.count <= ReportMarkdown.mostBytes)
        #expect(try ReportText(report, price: price(), width: 60).lines.count < 120)
    }
}
