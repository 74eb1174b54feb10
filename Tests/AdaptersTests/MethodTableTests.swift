import Adapters
import Diagnostics
import Files
import Support
import Testing

@Suite("The table of methods")
struct MethodTableTests {
    private static let specification = Paths.joined(
        Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Spec/methods.md")

    @Test("Spec/methods.md holds the table that Method.all prints")
    func table() throws {
        let text = String(decoding: try contents(of: Self.specification), as: UTF8.self)
        for line in MethodTable.lines {
            #expect(text.contains(line + "\n"), "missing or other in Spec/methods.md:\n\(line)")
        }
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.contains("](#") }
        #expect(rows.count == Method.all.count)
    }

    @Test("no column is empty")
    func columns() {
        for method in Method.all {
            #expect(!method.word.isEmpty && !method.name.isEmpty && !method.formula.isEmpty && !method.source.isEmpty)
            #expect(!method.kinds.isEmpty && !method.config.isEmpty)
            if case .none(let why) = method.mergeability { #expect(!why.isEmpty) }
            for kind in method.kinds { #expect(KindRule.all[kind] != nil) }
        }
        #expect(Set(Method.all.map(\.word)).count == Method.all.count)
    }

    @Test("every kind has a rule and a section in Spec/methods.md")
    func kinds() throws {
        let text = String(decoding: try contents(of: Self.specification), as: UTF8.self)
        for kind in Kind.all {
            #expect(KindRule.all[kind] != nil, "\(kind.word)")
            #expect(text.contains("\n| `\(kind.word)` |"), "\(kind.word) is not in Spec/methods.md")
        }
    }
}

/// The table of `Spec/methods.md`, a row per method.
enum MethodTable {
    static var lines: [String] {
        Method.all.map { method in
            let keys = method.config.filter { if case .none = $0.effect { false } else { true } }
            let still = method.config.count - keys.count
            let kinds = method.kinds.map(\.word).joined(separator: ", ")
            return "| `\(method.word)` | [\(method.name)](#\(anchor(method))) | \(kinds) | \(method.formula) | "
                + "\(words(method.mergeability)) | \(keys.count) | \(still) | \(method.source) |"
        }
    }

    private static func anchor(_ method: Method) -> String { method.word }

    private static func words(_ mergeability: Method.Mergeability) -> String {
        switch mergeability {
        case .lowRank: "low rank"
        case .dense: "dense"
        case .none(let why): "no: \(why)"
        }
    }
}
