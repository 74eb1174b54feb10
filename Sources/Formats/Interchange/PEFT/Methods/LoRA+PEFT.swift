import Adapters

extension PEFTMethod {
    static let lora = PEFTMethod(
        "LORA", .lora,
        rules: [
            KeyRule("lora_A.weight", .lora, .a, forms: ["", "parameter", "blocks"]),
            KeyRule("lora_B.weight", .lora, .b, forms: ["", "parameter", "blocks"]),
            KeyRule("lora_B.bias", .lora, .bias, forms: []),
            KeyRule("lora_embedding_A", .lora, .a, forms: ["embedding"]),
            KeyRule("lora_embedding_B", .lora, .b, forms: ["embedding"]),
            KeyRule("lora_magnitude_vector", .lora, .magnitude, forms: []),
            KeyRule("lora_diag", .lora, .lambda, forms: []),
            // What only training looks at; carried along so that PEFT finds it again.
            KeyRule("lora_velora_embed", .opaque, .value, .key),
            KeyRule("lora_monteclora_sampler.expert_weights", .opaque, .value, .key),
            KeyRule("lora_monteclora_sampler.expert_weights_prior", .opaque, .value, .key),
            KeyRule("lora_monteclora_sampler.gaussian_var_prior", .opaque, .value, .key),
            KeyRule("lora_monteclora_sampler.std_prior", .opaque, .value, .key),
            KeyRule.tokenRows,
        ] + KeyRule.besides)
}
