import Adapters
import JSON
import Testing

@Suite("Lineage")
struct LineageTests {
    private static func verb(_ verb: String, _ key: String? = nil, _ value: JSONValue = nil) -> JSONObject {
        var object = JSONObject()
        object["verb"] = .string(verb)
        if let key { object[key] = value }
        return object
    }

    private let parents = Lineage(
        tool: "tenon 1", recipe: Self.verb("merge", "rank", 4),
        parents: [
            .init(
                contentDigest: "aa", name: "a.tenon",
                lineage: Lineage(tool: "peft", recipe: Self.verb("train"), parents: [])),
            .init(contentDigest: "bb", name: "b.tenon", weight: 0.5),
        ])

    @Test("is read as it was recorded, and drawn as a tree")
    func roundTrip() {
        var adapter = Adapter(method: "lora")
        #expect(Lineage(of: adapter) == nil)
        #expect(parents.record(in: &adapter.metadata) && Lineage(of: adapter) == parents)
        #expect(parents.tree == ["merge rank=4 (tenon 1)", "  aa  a.tenon: train (peft)", "  bb  b.tenon × 0.5"])
    }

    @Test("of many generations keeps the latest; what cannot be kept is not")
    func generations() {
        var lineage = parents
        for number in 0..<20 {
            lineage = Lineage(
                tool: "t", recipe: Self.verb("\(number)"),
                parents: [.init(contentDigest: "c", name: "n", lineage: lineage)])
        }
        var adapter = Adapter(method: "lora")
        #expect(lineage.record(in: &adapter.metadata))
        #expect(Lineage(of: adapter)?.tree.count == 9 && Lineage(of: adapter)?.recipe["verb"] == "19")
        let long = Lineage(tool: "t", recipe: Self.verb(String(repeating: "x", count: 70_000)), parents: [])
        var other = Adapter(method: "lora")
        #expect(!long.record(in: &other.metadata) && other.metadata.isEmpty)
    }

    @Test(
        "of another form is none",
        arguments: [
            "", "[]", "{}", #"{"tool":"","recipe":"","parents":[]}"#, #"{"tool":1,"recipe":{},"parents":[]}"#,
            #"{"tool":"","recipe":{},"parents":[{}]}"#,
        ])
    func other(text: String) {
        #expect(Lineage(parsing: text) == nil)
    }
}
