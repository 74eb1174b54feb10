import Adapters
import Diagnostics
import Digests
import Tensors
import Testing

@Suite("Rules of differences of checkpoints")
struct DeltaRulesTests {
    private let leaf = SHA256.hash([1])

    private func code(_ entries: [(String, Kind, Parameters)], _ parameters: Parameters = [:]) -> Failure.Code? {
        let adapter = Adapter(
            method: "delta", parameters: parameters,
            entries: entries.map { target, kind, parameters in
                AdapterEntry(
                    key: EntryKey(target, kind), parameters: parameters, tensors: [],
                    binding: EntryBinding(base: 0, baseLeaf: leaf, resultLeaf: leaf))
            })
        do throws(Failure) {
            #expect(try Method.delta.check(adapter).isEmpty)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("one entry makes a tensor, and rows are added to none that is made whole")
    func targets() {
        let makers: [Kind] = [.exact, .sparse, .full, .removed, .alias]
        for first in makers {
            #expect(code([("a", first, [:]), ("b", first, [:])]) == nil)
            for second in makers {
                #expect(code([("a", first, [:]), ("a", second, [:])]) == .duplicate, "\(first.word) \(second.word)")
            }
            let isExtensible = [.exact, .sparse].contains(first)
            #expect(code([("a", first, [:]), ("a", .extend, [:])]) == (isExtensible ? nil : .duplicate))
        }
        #expect(code([("a", .extend, [:])]) == nil)
        #expect(code([("a", .lora, [:]), ("a", .exact, [:])]) == nil)
    }

    @Test("names are their bytes: two spellings are two tensors")
    func spellings() {
        #expect(code([("\u{e9}", .exact, [:]), ("e\u{301}", .exact, [:])]) == nil)
    }

    @Test("an alias is of what is there")
    func aliases() {
        #expect(code([("a", .alias, ["of": "b"]), ("b", .full, [:])]) == nil)
        #expect(code([("a", .alias, ["of": "b"]), ("b", .alias, ["of": "c"])]) == .badParameter)
        #expect(code([("a", .alias, ["of": "a"])]) == .badParameter)
        #expect(code([("a", .alias, ["of": "b"]), ("b", .removed, [:])]) == .badParameter)
    }

    @Test("corrections are among themselves")
    func corrections() {
        #expect(code([("a", .correction, [:])], ["stage": "correction"]) == nil)
        #expect(code([("a", .correction, [:])]) == .badParameter)
        #expect(code([("a", .exact, [:])], ["stage": "correction"]) == .badParameter)
    }

    @Test("a root is a digest")
    func roots() {
        #expect(code([("a", .exact, [:])], ["result_root": .string("\(leaf)")]) == nil)
        #expect(code([("a", .exact, [:])], ["result_root": 1]) == .badParameter)
        #expect(code([("a", .exact, [:])], ["result_root": .string("\(leaf)".uppercased())]) == .badParameter)
    }
}
