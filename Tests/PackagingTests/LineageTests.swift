import Adapters
import Packaging
import Testing

@Suite("Lineage")
struct LineageTests {
    private let parents = Lineage(
        tool: "tenon 1", recipe: "merge",
        parents: [
            .init(contentDigest: "aa", name: "a.tenon", lineage: Lineage(tool: "peft", recipe: "train", parents: [])),
            .init(contentDigest: "bb", name: "b.tenon"),
        ])

    @Test("is read as it was recorded, and drawn as a tree")
    func roundTrip() {
        var adapter = Adapter(method: "lora")
        #expect(Lineage(of: adapter) == nil)
        #expect(parents.record(in: &adapter) && Lineage(of: adapter) == parents)
        #expect(parents.tree == ["merge (tenon 1)", "  aa  a.tenon: train (peft)", "  bb  b.tenon"])
    }

    @Test("of many generations keeps the latest; what cannot be kept is not")
    func generations() {
        var lineage = parents
        for number in 0..<20 {
            lineage = Lineage(
                tool: "t", recipe: "\(number)", parents: [.init(contentDigest: "c", name: "n", lineage: lineage)])
        }
        var adapter = Adapter(method: "lora")
        #expect(lineage.record(in: &adapter))
        #expect(Lineage(of: adapter)?.tree.count == 9 && Lineage(of: adapter)?.recipe == "19")
        let long = Lineage(tool: "t", recipe: String(repeating: "x", count: 70_000), parents: [])
        var other = Adapter(method: "lora")
        #expect(!long.record(in: &other) && other.metadata.isEmpty)
    }

    @Test(
        "of another form is none",
        arguments: [
            "", "[]", "{}", #"{"tool":1,"recipe":"","parents":[]}"#, #"{"tool":"","recipe":"","parents":[{}]}"#,
        ])
    func other(text: String) {
        #expect(Lineage(parsing: text) == nil)
    }
}
