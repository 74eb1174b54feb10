import Architectures
import Testing

/// Parameters of models that everybody knows, as their makers or Hugging Face print them.
@Suite("Parameters of known models")
struct CountTests {
    @Test(arguments: [
        ("llama-7b", 6_738_415_616), ("llama-65b", 65_285_660_672), ("llama-3.2-1b", 1_235_814_400),
        ("llama-3.2-3b", 3_212_749_824), ("mistral-7b", 7_241_732_096), ("qwen2-0.5b", 494_032_768),
        ("qwen2-7b", 7_615_616_512), ("gpt2", 124_439_808), ("gpt2-medium", 354_823_168),
        ("bert-base", 109_482_240), ("bert-large", 335_141_888), ("roberta-base", 124_055_040),
        ("roberta-large", 354_310_144), ("distilbert-base", 66_362_880), ("t5-base", 222_903_552),
        ("t5-3b", 2_851_598_336),
        ("t5-11b", 11_307_321_344), ("t5-xxl", 11_135_332_352), ("flan-t5-large", 783_150_080),
        ("mt0-large", 1_229_581_312), ("bloom-560m", 559_214_592), ("bloom-7b1", 7_069_016_064),
        ("falcon-7b", 6_921_720_704), ("chatglm-6b", 6_173_286_400), ("chatglm2-6b", 6_243_584_000),
        ("deberta-v3-base", 183_831_552), ("deberta-v2-xxlarge", 1_564_549_632),
    ])
    func known(model: String, count: Int) throws {
        #expect(try ConfigFixtures.architecture(model).parameterCount() == count)
    }

    @Test("GPT-3's shape as a config of GPT-2: its 175 billion")
    func gpt3() throws {
        let (d, layers) = (12_288, 96)
        let blocks = layers * (12 * d * d + 13 * d)
        let expected = 50_257 * d + 2048 * d + blocks + 2 * d
        #expect(try ConfigFixtures.architecture("gpt3").parameterCount() == expected)
    }

    @Test("heads for classes: RoBERTa's of two labels")
    func heads() throws {
        func headSize(_ model: String) throws -> Int {
            let plain = try ConfigFixtures.architecture(model).parameterCount()
            return try ConfigFixtures.architecture(model, head: .sequenceClassification).parameterCount() - plain
        }
        #expect(try headSize("roberta-base") == 592_130)
        #expect(try headSize("roberta-large") == 1_051_650)
        #expect(try headSize("bert-base") == 2 * 768 + 2)
        #expect(try headSize("distilbert-base") == 592_130)
        #expect(try headSize("deberta-v3-base") == 768 * 768 + 768 + 2 * 768 + 2)
    }

    @Test("a tied head counts once, and layers of the same shape are counted together")
    func groups() throws {
        let tied = try ConfigFixtures.architecture("llama-3.2-1b")
        #expect(tied.linears.contains { $0.path == "lm_head" })
        #expect(!tied.groups.contains { $0.name == "lm_head" })
        let group = try #require(tied.groups.first { $0.name == "model.layers.N.mlp.up_proj" })
        #expect(group.copies == 16)
        #expect(group.formula.symbols == "n·out·in")
        #expect(group.formula.numbers { "\($0)" } == "16 · 8192 · 2048")
        #expect(try group.count() == 16 * 8192 * 2048)
    }

    @Test(
        "every family gives its blocks, and its default targets are there",
        arguments: [
            "llama-7b", "mistral-7b", "qwen2-7b", "gpt2", "bert-base", "roberta-base", "distilbert-base", "t5-base",
            "mt0-large", "bloom-560m", "falcon-7b", "chatglm-6b", "chatglm2-6b", "deberta-v3-base",
        ])
    func targets(model: String) throws {
        let architecture = try ConfigFixtures.architecture(model)
        #expect(Set(architecture.modules.map(\.path)).count == architecture.modules.count)
        for method in ["lora", "ia3", "adalora", "ln-tuning", "fourierft"] {
            let names = architecture.defaults.targets(of: method)
            #expect(
                names.contains { name in architecture.modules.contains { $0.path.hasSuffix("." + name) } },
                "\(method): \(names)")
        }
    }
}
