import Documents
import Testing

@Suite("Pages about savings")
struct SavingsPageTests {
    private static let hostile = "</script><img src=x onerror=alert(1)>\"'&\u{202E}"

    private func count(_ text: String, _ part: String) -> Int {
        text.split(separator: part, omittingEmptySubsequences: false).count - 1
    }

    private func page(_ items: Int) -> SavingsPage {
        var page = SavingsPage(title: "What is stored", facts: [("stored", "1 MB")])
        page.causes = ["delta", "low rank"]
        page.bars = [
            StackedBar(
                label: Self.hostile,
                parts: [
                    .init(name: "stored", value: 1, text: "1"), .init(name: "delta", value: -5, text: "-5"),
                    .init(name: "low rank", value: 3, text: "3"),
                ])
        ]
        page.groups = [
            .init(
                name: Self.hostile, text: "6",
                tiles: [3, 2, 1].map { .init(name: Self.hostile, value: $0, text: "\($0)") })
        ]
        page.points = (0..<3).map { .init(label: "day \($0)", day: $0 * 9, value: $0 * 10, text: "\($0 * 10)") }
        page.items = (0..<items).map { number in
            .init(
                name: "\(number)" + Self.hostile, method: "lora", base: "llama", date: "2026-01-01",
                numbers: (0..<5).map { (value: number * $0, text: "\(number * $0) B") })
        }
        page.advice = [
            .init(
                title: "untrained", summary: Self.hostile,
                list: [.init(name: Self.hostile, reason: "zeros", saves: "1 B", command: "rm '\(Self.hostile)'")])
        ]
        page.broken = [Self.hostile]
        return page
    }

    @Test("nothing from a name becomes markup, and nothing is loaded")
    func escaping() {
        let html = page(3).html
        #expect(count(html, "<img") == 0 && count(html, "</script>") == 1 && !html.contains("\u{202E}"))
        for part in ["http:", "https:", "//", "<link", "@import", "url("] { #expect(!html.contains(part), "\(part)") }
        #expect(count(html, "<tr tabindex=") == 3 && count(html, "tabindex=\"0\"") == 3)
        #expect(count(html, "role=\"img\"") == 3 && count(html, "data-v=") == 15)
    }

    @Test("without anything it is a page too")
    func empty() {
        let html = SavingsPage(title: "What is stored", facts: []).html
        #expect(html.contains("<h1>What is stored</h1>") && !html.contains("<table") && !html.contains("role=\"img\""))
    }

    @Test("parts of a bar are as wide as their shares; what is not above zero is not drawn")
    func bars() {
        let svg = page(0).bars[0].svg
        #expect(
            svg.contains("class=\"c0\" x=\"0\" width=\"250\"") && svg.contains("class=\"c2\" x=\"250\" width=\"750\""))
        #expect(count(svg, "<rect") == 2 && svg.contains("delta -5"))
        #expect(StackedBar(label: "x", parts: [.init(name: "a", value: 0, text: "")]).svg == "")
    }

    @Test("rectangles fill the map, each as large as its share")
    func treemap() throws {
        let svg = Treemap(page(0).groups).svg(label: "x")
        var area = 0.0
        for part in svg.split(separator: "<rect ").dropFirst() {
            func number(_ name: String) throws -> Double {
                let rest = try #require(part.firstRange(of: "\(name)=\""))
                return try #require(Double(part[rest.upperBound...].prefix { $0 != "\"" }))
            }
            area += try number(" width") * number(" height")
        }
        // The group's head takes 22 of 420.
        #expect((area - 1000 * 398).magnitude < 500, "\(area)")
        #expect(count(svg, "<rect") == 3 && Treemap([]).svg(label: "x") == "")
        #expect(
            Treemap([.init(name: "a", text: "", tiles: [.init(name: "b", value: 0, text: "")])]).svg(label: "") == "")
    }

    @Test("a line of one day is none")
    func timeline() {
        #expect(count(Timeline(page(0).points).svg(label: "x"), "<circle") == 3)
        #expect(Timeline([.init(label: "a", day: 1, value: 1, text: "")]).svg(label: "x") == "")
        #expect(Timeline([]).svg(label: "x") == "")
    }
}
