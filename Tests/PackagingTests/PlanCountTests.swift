import Adapters
import Architectures
import Packaging
import Testing

/// Trained parameters that papers and PEFT's own results print, and those that follow from the same formulas.
@Suite("What methods train in known models")
struct PlanCountTests {
    /// One row: LoRA of rank 8 at its usual targets and at all linear layers of blocks, DoRA, AdaLoRA, (IA)³, a prefix and a
    /// prompt of 20, biases, Houlsby's bottleneck of 64.
    struct Row: Sendable {
        let model: String
        /// All linear layers of blocks, which in BERT leaves the pooler out.
        let linears: ParameterValue
        /// Where AdaLoRA is counted.
        let few: [ParameterValue]
        let counts: [Int]
    }

    private static let rows = [
        Row(
            model: "llama-7b", linears: "all-linear", few: ["q_proj", "v_proj"],
            counts: [
                4_194_304, 19_988_480, 4_456_448, 6_292_224, 614_400, 5_242_880, 81_920, 0, 33_820_672,
            ]),
        Row(
            model: "llama-3.2-1b", linears: "all-linear", few: ["q_proj", "v_proj"],
            counts: [851_968, 5_636_096, 892_928, 1_278_336, 147_456, 327_680, 40_960, 0, 8_456_192]),
        Row(
            model: "gpt2", linears: "all-linear", few: ["c_attn"],
            counts: [294_912, 1_179_648, 322_560, 442_512, 64_512, 368_640, 15_360, 102_144, 2_379_264]),
        Row(
            model: "bert-base", linears: ".*encoder\\..*", few: ["query", "value"],
            counts: [294_912, 1_327_104, 313_344, 442_656, 64_512, 368_640, 15_360, 102_912, 2_379_264]),
        Row(
            model: "roberta-base", linears: "all-linear", few: ["query", "value"],
            counts: [294_912, 1_327_104, 313_344, 442_656, 64_512, 368_640, 15_360, 102_144, 2_379_264]),
        Row(
            model: "t5-base", linears: "all-linear", few: ["q", "v"],
            counts: [884_736, 3_244_032, 940_032, 1_327_968, 129_024, 368_640, 15_360, 0, 4_758_528]),
    ]

    @Test("every method in six models", arguments: rows)
    func table(row: Row) throws {
        func count(_ method: String, _ parameters: Parameters = [:]) throws -> Int {
            try PlanModels.trained(row.model, method, parameters)
        }
        let biases = row.counts[7] == 0 ? 0 : try count("bitfit")
        #expect(
            try [
                count("lora"), count("lora", ["target_modules": row.linears]), count("dora"),
                count("adalora", ["target_modules": .list(row.few)]), count("ia3"), count("prefix-tuning"),
                count("prompt-tuning"), biases, count("houlsby", ["bottleneck_size": 64]),
            ] == row.counts)
        if row.counts[7] == 0 { #expect(throws: (any Error).self) { try count("bitfit") } }
    }

    @Test("LLaMA-Adapter of ten tokens in thirty layers: its authors' gates, and PEFT's")
    func llamaAdapter() throws {
        #expect(try PlanModels.trained("llama-7b", "llama-adapter") == 1_229_760)
        let plan = try PlanModels.plan("llama-7b", "llama-adapter")
        #expect(plan.adapterBytes == 4_919_040)
        let peft: Parameters = ["adapter_len": 100, "adapter_layers": 28]
        #expect(try PlanModels.trained("llama-3.2-3b", "adaption-prompt", peft) == 8_601_628)
    }

    @Test("GPT-3: LoRA, and bottlenecks of 1 and 8")
    func gpt3() throws {
        let fused: Parameters = ["r": 1]
        // Queries and values are one matrix with the keys here: as one it takes a rank's four widths, as the paper's two
        // separate matrices also do.
        #expect(try PlanModels.trained("gpt3", "lora", fused) == 4_718_592)
        #expect(try PlanModels.trained("gpt3", "lora", ["r": 8]) == 37_748_736)
        #expect(try PlanModels.trained("gpt3", "lora", ["r": 4]) == 18_874_368)
        for size in [1, 8] {
            #expect(
                try PlanModels.trained("gpt3", "houlsby", ["bottleneck_size": .int(Int64(size))])
                    == 192 * (2 * 12_288 * size + size + 12_288))
        }
    }

    @Test(
        "as PEFT's results print them",
        arguments: [
            ("mt0-large", "lora", [:], 2_359_296), ("flan-t5-large", "lora", ["r": 16], 4_718_592),
            ("llama-3.2-3b", "lora", ["r": 32], 9_175_040), ("llama-3.2-3b", "dora", ["r": 32], 9_289_728),
            ("llama-3.2-3b", "adalora", ["init_r": 64], 18_353_664), ("llama-3.2-3b", "ia3", [:], 286_720),
            ("llama-3.2-3b", "prefix-tuning", ["num_virtual_tokens": 200], 11_468_800),
            ("llama-3.2-3b", "prompt-tuning", ["num_virtual_tokens": 200], 614_400),
            ("llama-3.2-3b", "p-tuning", [:], 28_382_208),
            ("bloom-560m", "p-tuning", ["encoder_hidden_size": 128], 300_288),
            ("bloom-560m", "prefix-tuning", [:], 983_040),
            ("bloom-560m", "prompt-tuning", ["num_virtual_tokens": 8], 8192),
            ("mt0-large", "ia3", [:], 282_624),
            ("mt0-large", "prompt-tuning", ["num_transformer_submodules": 2], 40_960),
            ("chatglm-6b", "lora", [:], 3_670_016), ("chatglm2-6b", "lora", [:], 1_949_696),
            ("bloom-7b1", "lora", [:], 3_932_160), ("t5-xxl", "prompt-tuning", ["num_virtual_tokens": 5], 20_480),
            ("t5-xxl", "ia3", ["target_modules": .names("k", "v", "wi_1")], 1_081_344),
            ("bert-large", "houlsby", ["bottleneck_size": 64], 6_343_680),
            ("bert-base", "prefix-tuning", ["num_virtual_tokens": 10], 184_320),
            ("bert-base", "pfeiffer", ["reduction_factor": 16], 894_528),
            ("gpt2-medium", "prefix-tuning", ["num_virtual_tokens": 5], 245_760),
            (
                "llama-7b", "lora",
                ["r": 32, "target_modules": .names("q_proj", "k_proj", "v_proj", "up_proj", "down_proj")], 56_098_816
            ),
        ] as [(String, String, Parameters, Int)])
    func printed(model: String, method: String, parameters: Parameters, count: Int) throws {
        #expect(try PlanModels.trained(model, method, parameters) == count)
    }

    @Test("DoRA of LLaMA-7B: 0.84 % where LoRA is 0.83 %")
    func dora() throws {
        let config: Parameters = [
            "r": 32, "target_modules": .names("q_proj", "k_proj", "v_proj", "up_proj", "down_proj"),
        ]
        #expect(try PlanModels.trained("llama-7b", "dora", config) == 56_098_816 + 32 * (4 * 4096 + 11_008))
        #expect((10_000 * (try PlanModels.plan("llama-7b", "dora", config).trainableShare)).rounded() == 84)
        #expect((10_000 * (try PlanModels.plan("llama-7b", "lora", config).trainableShare)).rounded() == 83)
    }

    @Test("with a head of two classes, RoBERTa as a survey has it")
    func classifier() throws {
        func counts(_ model: String) throws -> [Int] {
            let cases: [(String, Parameters)] = [
                ("prompt-tuning", [:]), ("prefix-tuning", [:]), ("ia3", [:]), ("bitfit", [:]), ("lora", [:]),
                ("adalora", ["target_modules": .names("query", "value")]),
            ]
            return try cases.map { method, parameters in
                try PlanModels.trained(model, method, parameters, head: .sequenceClassification)
            }
        }
        #expect(try counts("roberta-base") == [607_490, 960_770, 656_642, 694_274, 887_042, 1_034_786])
        #expect(try counts("roberta-large") == [1_072_130, 2_034_690, 1_223_682, 1_323_010, 1_838_082, 2_231_874])
    }

    @Test("patterns, biases, layers, rows and whole modules")
    func options() throws {
        func count(_ parameters: Parameters) throws -> Int {
            try PlanModels.trained("llama-7b", "lora", parameters)
        }
        let each = 8 * (4096 + 4096)
        #expect(try count(["layers_to_transform": .numbers(30, 31)]) == 4 * each)
        #expect(try count(["rank_pattern": .map([.init("v_proj", 4)])]) == 32 * each + 16 * each)
        #expect(try count(["rank_pattern": .map([.init("layers.0.self_attn.q_proj", 16)])]) == 65 * each)
        #expect(try count(["modules_to_save": .names("lm_head")]) == 64 * each + 32_000 * 4096)
        #expect(try count(["trainable_token_indices": .numbers(1, 2, 3)]) == 64 * each + 3 * 4096)
        #expect(try count(["target_modules": .names("embed_tokens")]) == 8 * (32_000 + 4096))
        #expect(
            try PlanModels.trained("gpt2", "lora", ["bias": "all"]) == 294_912 + 102_144)
        #expect(
            try PlanModels.trained("gpt2", "lora", ["bias": "lora_only"]) == 294_912 + 12 * 2304)
    }

    @Test(
        "LyCORIS' widths as products",
        arguments: [
            (256, -1, 16, 16), (128, -1, 8, 16), (127, -1, 1, 127), (128, 4, 4, 32), (12, 5, 3, 4), (60, 8, 6, 10),
            (11_008, -1, 86, 128), (1, -1, 1, 1),
        ])
    func kronecker(width: Int, factor: Int, lesser: Int, greater: Int) throws {
        #expect(Method.factored(width, by: factor) == (lesser, greater))
    }
}
