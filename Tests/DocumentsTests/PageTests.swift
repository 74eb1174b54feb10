import Documents
import Support
import Testing

@Suite("Pages")
struct PageTests {
    private static let hostile = "</script><img src=x onerror=alert(1)>\"'&\u{202E}"

    private func page(_ names: [String]) -> ComparisonPage {
        ComparisonPage(
            title: "What differs", facts: [("from", Self.hostile)], columns: ["status", "change"],
            tensors: names.enumerated().map { index, name in
                ComparisonPage.Tensor(
                    name: name, status: "changed", relativeChange: Double(index) * 0.01,
                    cells: ["changed", "\(index)e-2"], singularValues: [3, 2, 0.5])
            })
    }

    private func count(_ text: String, _ part: String) -> Int {
        text.split(separator: part, omittingEmptySubsequences: false).count - 1
    }

    @Test("nothing from a name becomes markup")
    func escaping() {
        #expect(
            Self.hostile.escapedForMarkup
                == "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;\\u{202e}")
        let html = page(["model.layers.0.\(Self.hostile)", Self.hostile]).html
        #expect(count(html, "<img") == 0 && count(html, "</script>") == 1 && !html.contains("\u{202E}"))
    }

    @Test("a cell for each tensor, by layers in the order of their numbers and modules")
    func map() throws {
        let names = [10, 2, 0].flatMap { layer in
            ["q_proj", "v_proj"].map { "model.layers.\(layer).attn.\($0).weight" }
        }
        let html = page(names + ["lm_head.weight"]).html
        #expect(count(html, "data-t=") == 7 && count(html, "tabindex=\"0\"") >= 2 && count(html, "role=\"grid\"") == 2)
        let rows = ["0", "2", "10"].compactMap { html.firstRange(of: "<th scope=\"row\">\($0)</th>")?.lowerBound }
        #expect(rows.count == 3 && rows == rows.sorted())
        #expect(count(html, "<th scope=\"col\"><span>attn.q_proj</span></th>") == 1 && count(html, "<tr id=\"t") == 7)
        #expect(count(html, "<svg ") == 7)
    }

    @Test("a map that would be too large says so")
    func tooLarge() {
        let html = page((0..<150).map { "a.\($0).part\($0).weight" }).html
        #expect(html.contains("a map of 150 by 150 would be too large") && count(html, "<tr id=\"t") == 150)
    }

    @Test("needs nothing from anywhere, in light and dark")
    func selfContained() {
        let html = page(["a.0.b"]).html
        for part in ["http:", "https:", "//", "<link", "@import", "url("] { #expect(!html.contains(part), "\(part)") }
        #expect(html.contains("prefers-color-scheme:dark") && html.contains("default-src 'none'"))
        #expect(html.contains("name=\"viewport\""))
    }

    @Test("what has no numbers shows its status; no tensors at all make a page too")
    func structure() {
        var one = page([])
        #expect(one.html.contains("<h1>What differs</h1>"))
        one.tensors = [
            ComparisonPage.Tensor(
                name: "x", status: "added", relativeChange: nil, cells: ["added", "-"], note: "F32 [2, 2]")
        ]
        #expect(
            one.html.contains("<li><b>added</b> x: F32 [2, 2]</li>") && one.html.contains("class=\"h9\">added</td>"))
    }

    @Test("bars fall by powers of ten")
    func bars() {
        #expect(Bars([]).svg(label: "x") == "" && Bars([0]).svg(label: "x") == "")
        let svg = Bars([1, 0.1, 0.0001]).svg(label: "a<b")
        #expect(svg.contains("v-40h") && svg.contains("v-30h") && count(svg, "M") == 2 && svg.contains("a&lt;b"))
    }
}
