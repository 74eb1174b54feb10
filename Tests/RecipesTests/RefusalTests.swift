import Diagnostics
import Recipes
import Testing

/// What a recipe must not say, and the line that the message names.
@Suite struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let line: Int
        let word: String

        init(_ line: Int, _ word: String, _ text: String) {
            self.text = text
            self.line = line
            self.word = word
        }

        var testDescription: String { word }
    }

    static let cases = [
        Case(3, "merge_methd", "models:\n  - model: a\nmerge_methd: linear\n"),
        Case(2, "no such merge_method", "models: [{model: a}]\nmerge_method: tiles\n"),
        Case(1, "no merge_method", "models: [{model: a}]\n"),
        Case(1, "neither models nor slices", "merge_method: linear\n"),
        Case(
            3, "both models and slices",
            "merge_method: linear\nmodels: [{model: a}]\nslices: [{sources: [{model: a, layer_range: [0, 1]}]}]"),
        Case(1, "comes again", "merge_method: linear\nmodels: [{model: a}]\nmerge_method: ties\n"),
        Case(4, "stands twice", "merge_method: linear\nmodels:\n  - model: a\n  - model: a\n"),
        Case(4, "wieght", "merge_method: linear\nmodels:\n  - model: a\n    parameters: {wieght: 1}\n"),
        Case(4, "below `parameters`", "merge_method: linear\nmodels:\n  - model: a\n    weight: 1\n"),
        Case(
            4, "is no number", "merge_method: linear\nmodels:\n  - model: a\n    parameters: {weight: heavy}\n"),
        Case(
            4, "is no number", "merge_method: linear\nmodels:\n  - model: a\n    parameters: {weight: true}\n"),
        Case(
            4, "is no number", "merge_method: linear\nmodels:\n  - model: a\n    parameters: {weight: .inf}\n"),
        Case(
            5, "is no true or false",
            "merge_method: linear\nmodels:\n  - model: a\nparameters:\n  normalize: often\n"),
        Case(
            6, "has no value",
            "merge_method: linear\nmodels:\n  - model: a\nparameters:\n  weight:\n    - filter: mlp\n"),
        Case(
            6, "no such key",
            "merge_method: linear\nmodels:\n  - model: a\nparameters:\n  weight:\n    - {filtr: mlp, value: 1}\n"),
        Case(
            6, "is no map",
            "merge_method: linear\nmodels:\n  - model: a\nparameters:\n  weight:\n    - 1\n    - {value: 1}\n"),
        Case(3, "no such dtype", "merge_method: linear\nmodels: [{model: a}]\ndtype: bf16\n"),
        Case(2, "names no model", "merge_method: linear\nmodels: [{model: 7}]\n"),
        Case(2, "names no model", "merge_method: linear\nmodels: [{model: a+b+c}]\n"),
        Case(2, "names no model", "merge_method: linear\nmodels: [{parameters: {weight: 1}}]\n"),
        Case(2, "one or more", "merge_method: linear\nmodels: []\n"),
        Case(2, "several modules", "merge_method: linear\nmodules: {text: {}}\n"),
        Case(1, "needs a base_model", "merge_method: ties\nmodels: [{model: a}]\n"),
        Case(3, "another number of models", "merge_method: slerp\nbase_model: a\nmodels: [{model: a}]\n"),
        Case(
            2, "no layer_range", "merge_method: passthrough\nslices: [{sources: [{model: a}]}]\n"),
        Case(
            2, "a layer_range is",
            "merge_method: passthrough\nslices: [{sources: [{model: a, layer_range: [2, 2]}]}]\n"),
        Case(
            2, "different numbers of layers",
            "merge_method: linear\nslices: [{sources: [{model: a, layer_range: [0, 2]}, {model: b, layer_range: [0, 3]}]}]\n"
        ),
        Case(
            3, "not among the sources",
            "merge_method: slerp\nbase_model: c\nslices: [{sources: [{model: a, layer_range: [0, 2]}, {model: b, layer_range: [0, 2]}]}]\n"
        ),
        Case(
            3, "there is none", "merge_method: linear\nmodels: [{model: a}]\ntokenizer_source: base\n"),
        Case(
            4, "both tokenizer_source and tokenizer",
            "merge_method: linear\nmodels: [{model: a}]\ntokenizer_source: union\ntokenizer: {source: union}\n"),
        Case(
            3, "no number from 1 on", "merge_method: linear\nmodels: [{model: a}]\ntokenizer: {pad_to_multiple_of: 0}\n"
        ),
        Case(
            3, "no such kind of row",
            "merge_method: linear\nmodels: [{model: a}]\ntokenizer: {tokens: {x: {source: {kind: mean}}}}\n"),
        Case(
            3, "either token or token_id",
            "merge_method: linear\nmodels: [{model: a}]\ntokenizer: {tokens: {x: {source: {kind: model_token, model: a}}}}\n"
        ),
        Case(3, "no built-in", "merge_method: linear\nmodels: [{model: a}]\nchat_template: chatml\n"),
        Case(3, "no YAML", "merge_method: linear\nmodels: [{model: a}\n- b\n"),
        Case(3, "no YAML", "merge_method: linear\nmodels: [{model: a}]\n---\nmerge_method: linear\n"),
        Case(2, "no such anchor", "merge_method: linear\nmodels: *later\n"),
        Case(2, "tag", "merge_method: linear\nmodels: !!python/object:os.system [a]\n"),
        Case(2, "a key is no text", "merge_method: linear\n? [a, b]\n: 1\n"),
        Case(2, "only maps can be merged", "merge_method: linear\n<<: [1]\nmodels: [{model: a}]\n"),
    ]

    @Test(arguments: cases) func namesTheLine(_ one: Case) {
        let failure = #expect(throws: Failure.self) { try Recipe(one.text, path: "r.yml") }
        let text = failure.map { "\($0) \($0.hints)" } ?? ""
        #expect(failure?.code == .recipeInvalid)
        #expect(failure?.object?.hasPrefix("line \(one.line)") == true, "\(text)")
        #expect(text.contains(one.word), "\(text)")
    }

    @Test func namesTheNearest() {
        let failure = #expect(throws: Failure.self) {
            try Recipe("models: [{model: a}]\nmerge_method: dare_tie\n", path: "r.yml")
        }
        #expect(failure?.hints == ["perhaps dare_ties"])
    }

    /// Copies of copies, as values and as keys, end at once.
    @Test(arguments: ["x", "? *c\n: ", "{*c : 1, ? [*c, *c] : 2}"]) func refusesLaughs(_ end: String) {
        var text = "a: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<24 {
            text +=
                "b\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]\n"
        }
        let failure = #expect(throws: Failure.self) {
            try Recipe(text + end.replacing("*c", with: "*a23"), path: "r.yml")
        }
        #expect(failure?.code == .recipeInvalid)
    }

    @Test func refusesDepthAndLength() {
        for text in [
            String(repeating: "[", count: 5000), String(repeating: "a: ", count: 5000),
            String(repeating: "#", count: 1 << 19), "\u{0}", "", String(repeating: "? ", count: 60_000),
            String(repeating: "{", count: 400) + "a: b" + String(repeating: "}: c", count: 400),
            (0..<2000).map { String(repeating: " ", count: $0 % 60) + "? a" }.joined(separator: "\n"),
        ] {
            #expect(throws: Failure.self) { try Recipe(text, path: "r.yml") }
        }
    }
}
