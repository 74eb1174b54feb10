import Adapters
import Diagnostics
import Insertions
import Kernels
import Networks
import Testing

/// Which layers a config means: what PEFT makes of the same.
@Suite struct TargetModulesTests {
    /// A config, and the layers of each block that it means.
    struct Meaning: Sendable, CustomTestStringConvertible {
        let parameters: Parameters
        /// By block, in the order of the model.
        let layers: [[String]]

        init(_ parameters: Parameters, _ first: [String], _ second: [String]) {
            self.parameters = parameters
            layers = [first, second]
        }

        var testDescription: String { "\(parameters.members.map(\.key)) \(layers)" }
        var paths: [String] {
            layers.enumerated().flatMap { block, names in
                names.map { name in "\(block).\(TargetModulesTests.mlp.contains(name) ? "mlp" : "self_attn").\(name)" }
            }
        }
    }

    private static let attention = ["q_proj", "k_proj", "v_proj", "o_proj"]
    private static let mlp = ["gate_proj", "up_proj", "down_proj"]
    private static let all = attention + mlp

    static let meanings: [Meaning] = [
        Meaning([:], all, all),
        Meaning(["target_modules": "all-linear"], all, all),
        Meaning(["target_modules": ["all-linear"]], all, all),
        Meaning(["target_modules": ["q_proj", "v_proj"]], ["q_proj", "v_proj"], ["q_proj", "v_proj"]),
        Meaning(["target_modules": ["mlp.up_proj"]], ["up_proj"], ["up_proj"]),
        Meaning(["target_modules": ["layers.1.mlp.up_proj"]], [], ["up_proj"]),
        Meaning(["target_modules": ["model.layers.0.self_attn.o_proj"]], ["o_proj"], []),
        Meaning(["target_modules": #".*\.0\..*\.(q|down)_proj"#], ["q_proj", "down_proj"], []),
        Meaning(
            ["target_modules": #"model\.layers\.\d+\.mlp\.[gu].*"#], ["gate_proj", "up_proj"],
            ["gate_proj", "up_proj"]),
        Meaning(["exclude_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]], mlp, mlp),
        Meaning(["exclude_modules": ".*mlp.*"], attention, attention),
        Meaning(["exclude_modules": ["layers.0.self_attn.q_proj"]], ["k_proj", "v_proj", "o_proj"] + mlp, all),
        Meaning(["layers_to_transform": [1]], [], all),
        Meaning(["layers_to_transform": 0, "target_modules": ["k_proj"]], ["k_proj"], []),
        Meaning(
            [
                "layers_to_transform": [0, 1], "exclude_modules": ["mlp.down_proj"],
                "target_modules": ["down_proj", "o_proj"],
            ], ["o_proj"], ["o_proj"]),
    ]

    /// The adapted layers, without what all paths begin with.
    private func adapted(_ parameters: Parameters) throws -> [String] {
        let engine = Engine<Float>(threads: 1)
        let (_, inserted) = try TinyCase("lora", LoRA(), parameters).insert(engine)
        return inserted.tensors.filter { $0.role == .a }.map { tensor in
            String(tensor.key.target.dropFirst("model.layers.".count).dropLast(".weight".count))
        }
    }

    @Test(arguments: meanings)
    func means(_ meaning: Meaning) throws {
        #expect(try adapted(meaning.parameters) == meaning.paths)
    }

    private static let everything = "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"

    @Test(
        "a name that means nothing is named, with the nearest", arguments: [("k_prij", "k_proj"), ("o_prok", "o_proj")])
    func stray(_ name: String, _ nearest: String) throws {
        let failure = #expect(throws: Failure.self) {
            try adapted(["target_modules": ["q_proj", .string(name)]])
        }
        #expect(failure?.code == .usage && failure?.object == name)
        #expect(failure?.expected?.hasPrefix(nearest + ", ") == true, "\(failure?.expected ?? "")")
    }

    @Test(
        "what means nothing says what there is",
        arguments: [
            ["target_modules": "q_proj"], ["target_modules": ".*nothing"], ["target_modules": []],
            ["exclude_modules": ".*"], ["layers_to_transform": [2]],
            ["target_modules": ["q_proj"], "exclude_modules": ["q_proj"]],
        ] as [Parameters])
    func nothing(_ parameters: Parameters) throws {
        let failure = #expect(throws: Failure.self) { try adapted(parameters) }
        #expect(failure?.code == .usage && failure?.expected == Self.everything)
    }

    @Test func neitherNamesNorAnExpression() throws {
        let failure = #expect(throws: Failure.self) { try adapted(["target_modules": 7]) }
        #expect(failure?.code == .badParameter)
    }
}
