import ChatTemplates
import Diagnostics
import Files
import JSON
import Support
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Conversations written by templates, as `transformers` writes them: `Scripts/make-chat-goldens`.
@Suite struct ChatTemplateTests {
    static let noon = ChatDate(year: 2024, month: 7, day: 26, hour: 12, minute: 34, second: 56)

    static func goldens() throws -> JSONValue {
        let folder = Paths.joined(HostileCase.root, "Fixtures/chat-templates")
        let other = unsafe getenv("TENON_CHAT_GOLDENS").map { unsafe String(cString: $0) }
        return try JSONValue.parse(try contents(of: other ?? Paths.joined(folder, "expected.json")))
    }

    static func text(_ source: String, _ conversation: JSONValue, _ goldens: JSONValue) throws -> String {
        try ChatTemplate(source, name: "x").text(
            of: conversation["messages"]?.array ?? [], tools: conversation["tools"] ?? .null,
            addsGenerationPrompt: conversation["generation"]?.bool ?? false,
            specialTokens: (goldens["specialTokens"]?.object?.members ?? []).map { ($0.key, $0.value.string ?? "") },
            date: noon)
    }

    @Test("conversations come out as transformers writes them, or are refused where it refuses them")
    func conversations() throws {
        let goldens = try Self.goldens()
        let conversations = try #require(goldens["conversations"]?.array)
        let templates = try #require(goldens["templates"]?.array)
        #expect(!templates.isEmpty)
        for template in templates {
            let name = try #require(template["name"]?.string)
            let source = try #require(template["source"]?.string)
            let texts = try #require(template["texts"]?.array)
            for (index, conversation) in conversations.enumerated() {
                Self.compare("\(name), conversation \(index)", texts[index].string) {
                    try Self.text(source, conversation, goldens)
                }
            }
        }
    }

    @Test("every construct does what it does in Jinja")
    func snippets() throws {
        let goldens = try Self.goldens()
        let conversation = try #require(goldens["conversations"]?.array)[3]
        let snippets = try #require(goldens["snippets"]?.array)
        #expect(snippets.count > 50)
        for snippet in snippets {
            let source = try #require(snippet["source"]?.string)
            Self.compare(source, snippet["text"]?.string) { try Self.text(source, conversation, goldens) }
        }
    }

    private static func compare(_ what: String, _ expected: String?, _ body: () throws -> String) {
        do {
            let text = try body()
            let isSame = expected.map { text.equalsInBytes($0) } == true
            #expect(isSame, "\(what): \(text.debugDescription) is not \(expected.debugDescription)")
        } catch {
            #expect(expected == nil, "\(what): \(error)")
            #expect((error as? Failure)?.code == .templateRefused, "\(what): \(error)")
        }
    }

    @Test("the built-in templates are the files that others can take", arguments: ChatTemplate.builtInNames)
    func builtIn(_ name: String) throws {
        let file = Paths.joined(HostileCase.root, "Fixtures/chat-templates/builtin/\(name).jinja")
        let source = try #require(ChatTemplate.builtInSource(name))
        #expect(source == String(decoding: try contents(of: file), as: UTF8.self))
        #expect(try ChatTemplate.builtIn(name) != nil)
    }

    @Test(
        "what is not known is named with its line",
        arguments: [
            ("a\n{{ x | wordwrap }}", "line 2", "wordwrap"), ("{% include 'x' %}", "line 1", "include"),
            ("\n\n{% if 1 is prime %}{% endif %}", "line 3", "prime"), ("{{ f(*a) }}", "line 1", "*"),
            ("{% for x in y recursive %}{% endfor %}", "line 1", "recursive"),
            ("{% filter upper %}{% endfilter %}", "line 1", "filter"),
        ])
    func unsupported(_ source: String, _ line: String, _ name: String) {
        let failure = #expect(throws: Failure.self) { try ChatTemplate(source, name: "x.jinja") }
        #expect(failure?.code == .templateUnsupported)
        #expect(failure?.object == line && failure?.actual == name && failure?.path == "x.jinja")
    }

    @Test(
        "so is what turns out only while it is written",
        arguments: ["\n{{ 'a'.encode('x') }}", "\n{{ '%s' % 'a' }}", "\n{{ cycler(1) }}", "\n{{ strftime_now('%q') }}"])
    func unsupportedLater(_ source: String) throws {
        let template = try ChatTemplate(source, name: "x.jinja")
        let failure = #expect(throws: Failure.self) {
            try template.text(of: [], addsGenerationPrompt: false, date: Self.noon)
        }
        #expect(failure?.code == .templateUnsupported && failure?.object == "line 2 of the template")
    }

    @Test(
        "what is no template is refused with its line",
        arguments: [
            "\n{{ 1", "\n{% if 1 %}", "\n{% endif %}", "\n{{ 1 + }}", "\n{{ ( }}", "\n{{ ) }}", "\n{{ 'a }}", "\n{# a",
            "\n{% for x %}{% endfor %}", "\n{{ $ }}", "\n{% break %}", "\n{% raw %}", "\n{% set 1 = 2 %}",
            "\n{{ a b }}",
            "\n{{ 99999999999999999999 }}", "\n{% macro f(a %}{% endmacro %}",
        ])
    func invalid(_ source: String) {
        let failure = #expect(throws: Failure.self) { try ChatTemplate(source, name: "x") }
        #expect(failure?.code == .templateInvalid, "\(source): \(String(describing: failure))")
        #expect(failure?.object == "line 2", "\(source): \(String(describing: failure))")
    }

    @Test("nothing is nested so deeply, or goes on so long, that it takes the stack")
    func deep() throws {
        let deep = [
            String(repeating: "(", count: 100_000), String(repeating: "[", count: 100_000),
            String(repeating: "not ", count: 100_000), String(repeating: "-", count: 100_001) + "1",
            "a" + String(repeating: ".a", count: 100_000), "1" + String(repeating: " + 1", count: 100_000),
            "a" + String(repeating: "|trim", count: 100_000), "1" + String(repeating: " if 1 else 1", count: 50_000),
        ]
        for expression in deep {
            let failure = #expect(throws: Failure.self) { try ChatTemplate("{{ \(expression) }}", name: "x") }
            #expect(failure?.code == .templateInvalid)
        }
        let blocks = String(repeating: "{% if 1 %}", count: 10_000)
        #expect(throws: Failure.self) { try ChatTemplate(blocks, name: "x") }
    }

    @Test(
        "no template takes time or memory without an end",
        arguments: [
            "{% for i in range(1000000000) %}{% endfor %}", "{{ 'a' * 1000000000000 }}",
            "{% set ns = namespace(s='abcdefgh') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
            "{{ 'aaaaaaaa'.replace('', 'a' * 9000000).replace('a', 'a' * 9000000) }}",
        ])
    func bounded(_ source: String) throws {
        let template = try ChatTemplate(source, name: "x")
        let failure = #expect(throws: Failure.self) { try template.text(of: [], addsGenerationPrompt: false) }
        #expect(failure?.code == .templateRefused)
    }

    @Test("a training that can be repeated has no date")
    func undated() throws {
        let optional = try ChatTemplate("{{ strftime_now('%d') if strftime_now is defined else 'none' }}", name: "x")
        #expect(try optional.text(of: [], addsGenerationPrompt: false) == "none")
        let required = try ChatTemplate("{{ strftime_now('%d') }}", name: "x")
        let failure = #expect(throws: Failure.self) { try required.text(of: [], addsGenerationPrompt: false) }
        #expect(failure?.code == .templateRefused && failure?.what.contains("date") == true)
    }
}
