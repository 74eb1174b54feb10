import Adapters
import Files
import Support
import Testing

import Interchange

@Suite("The tables of keys")
struct KeyTableTests {
    @Test("Spec/methods.md holds them")
    func specification() throws {
        let path = Paths.joined(Paths.parent(of: FixtureFolders.root), "Spec/methods.md")
        let text = String(decoding: try contents(of: path), as: UTF8.self)
        for peft in PEFTMethod.all {
            let own = peft.rules.filter { rule in
                !rule.suffix.isEmpty
                    && !KeyRule.besides.contains { $0.suffix == rule.suffix && $0.kind == rule.kind }
            }
            let keys = own.map { "`\($0.suffix)` → \($0.kind.word) \($0.role.word)" }.joined(separator: "; ")
            let line = "| `\(peft.type)` | \(keys) |"
            #expect(text.contains(line + "\n"), "missing or other in Spec/methods.md:\n\(line)")
        }
    }

    @Test("every method that is understood has one, and only its own kinds in it")
    func kinds() {
        // Only the difference of checkpoints is nothing that PEFT has.
        #expect(PEFTMethod.all.map(\.method.word) + [Method.delta.word] == Method.all.map(\.word))
        #expect(Set(PEFTMethod.all.map(\.type)).count == PEFTMethod.all.count)
        for peft in PEFTMethod.all {
            for rule in peft.rules { #expect(peft.method.kinds.contains(rule.kind), "\(peft.type) \(rule.suffix)") }
            for kind in peft.method.kinds {
                #expect(peft.rules.contains { $0.kind == kind }, "\(peft.type) \(kind.word)")
            }
        }
    }

    @Test("are those that the fixtures' list calls understood")
    func understood() throws {
        #expect(try Set(PEFTMethod.all.map(\.type)) == FixtureFolders.understoodTypes())
        #expect(FixtureFolders.all.count > 100)
    }
}
