import Adapters
import Architectures
import Diagnostics
import Files
import Interchange
import Packaging
import Tensors
import Testing

/// A plan from a base's config and an adapter's, beside the adapter that PEFT wrote.
@Suite("Plans of adapters that PEFT wrote")
struct PlanFixtureTests {
    /// What a file holds beside or in place of what follows from its config.
    private static let exceptions: [String: String] = [
        "adalora-pruned": "ranks were taken away",
        "lora-embedding": "PEFT stores the whole embedding too",
        "lora-dora-embedding": "PEFT stores the whole embedding too",
        "lora-head": "PEFT stores the whole head too",
        "lora-bias-all": "PEFT stores a tied bias twice",
        "randlora": "PEFT stores what is shared once more for each module",
        "randlora-sparse": "PEFT stores what is shared once more for each module",
        "boft-factors": "PEFT made it without CUDA, where the factor is 1",
    ]
    /// Keys that change shapes in ways that no formula has.
    private static let refused: Set<String> = [
        "lora-parameters", "lora-replication", "lora-qalora", "lora-bdlora", "lora-monteclora", "lora-velora",
    ]
    private static let heads: [String: ModelHead] = [
        "tenon/tiny-bert": .maskedLM, "tenon/tiny-bert-classifier": .sequenceClassification,
    ]

    private static let names: [String] = {
        let folder = Paths.joined(PlanModels.fixtures, "peft")
        return ((try? Folder.entries(of: folder)) ?? []).map(\.name).filter { exceptions[$0] == nil }
    }()

    @Test("hold as many numbers as the plan says", arguments: names)
    func counts(name: String) throws {
        let adapter = try PEFTFolder.read(Paths.joined(PlanModels.fixtures, "peft/" + name)).adapter
        guard Method.named(adapter.method)?.sizing != nil, let base = adapter.metadata["base"],
            !base.hasSuffix("mixtral"), !base.hasSuffix("gpt-oss")
        else { return }
        let config = Paths.joined(PlanModels.fixtures, "bases/" + base.dropFirst("tenon/tiny-".count))
        let architecture = try Architecture(path: config, head: Self.heads[base])
        let method = try PlannedMethod.named(adapter.method)
        guard !Self.refused.contains(name) else {
            let failure = #expect(throws: Failure.self) { try method.size(in: architecture, adapter.parameters) }
            #expect(failure?.code == .badParameter)
            return
        }
        let size = try method.size(in: architecture, adapter.parameters)
        var (floats, integers) = (0, 0)
        for entry in adapter.entries where entry.key.kind != .file {
            for tensor in entry.tensors {
                let count = try tensor.source.shape.elementCount()
                if tensor.source.dtype.isFloat { floats += count } else { integers += count }
            }
        }
        #expect(try size.file.count() == floats)
        #expect(try size.indices.count() == integers)
    }

    @Test("the exceptions are still there")
    func exceptions() {
        for name in Self.exceptions.keys { #expect(throws: Never.self) { try Folder.entries(of: path(name)) } }
    }

    private func path(_ name: String) -> String { Paths.joined(PlanModels.fixtures, "peft/" + name) }
}
