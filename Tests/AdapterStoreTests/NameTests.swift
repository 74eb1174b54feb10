import AdapterStore
import Diagnostics
import Testing

@Suite("Names in a store")
struct NameTests {
    @Test(
        "names that are names",
        arguments: [
            ("a", "a:latest"), ("support-bot:v3", "support-bot:v3"),
            ("Org/Model-7B.chat:2024_01", "Org/Model-7B.chat:2024_01"),
            ("a_b.c-d/e", "a_b.c-d/e:latest"), ("x:_", "x:_"), ("0", "0:latest"),
        ])
    func accepted(text: String, name: String) throws {
        #expect(try StoreName(text).description == name)
    }

    @Test(
        "names that are no names",
        arguments: [
            "", ":", "a:", ":v1", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "-a", "a-", "a..b", "a--b", "a b",
            "a:b:c", "ä",
            "a\u{0}", "a\n", "a:.b", "a:-b", "a*", "sha256", "a:" + String(repeating: "x", count: 129),
            String(repeating: "x", count: 256),
        ])
    func refused(text: String) {
        #expect(throws: Failure.self) { try StoreName(text) }
        do throws(Failure) { _ = try StoreName(text) } catch { #expect(error.code == .badName) }
    }

    @Test("what is named is a name, a digest or either")
    func references() throws {
        guard case .name = try ObjectReference("beef:v1") else { throw Unexpected() }
        guard case .either(let name, prefix: "beef") = try ObjectReference("BEEF") else { throw Unexpected() }
        #expect(name.name == "BEEF")
        guard case .digest(prefix: "beef") = try ObjectReference("sha256:BEEF") else { throw Unexpected() }
        guard case .name = try ObjectReference("bee") else { throw Unexpected() }
        for text in ["sha256:", "sha256:abc", "sha256:wxyz", "sha256:" + String(repeating: "a", count: 65)] {
            #expect(throws: Failure.self) { try ObjectReference(text) }
        }
    }

    private struct Unexpected: Error {}
}
