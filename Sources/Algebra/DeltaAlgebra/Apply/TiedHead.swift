import Adapters
import Checkpoints
import Diagnostics

extension Checkpoint {
    /// A LoRA of input embeddings leaves the output alone, but what it is merged into may be both.
    func findings(ofTiedHeadUnder adapter: Adapter) -> [Finding] {
        let generates = ["CAUSAL_LM", "SEQ_2_SEQ_LM"].contains(config.taskType)
        guard generates, tiesWordEmbeddings != false, self["lm_head.weight"] == nil,
            adapter.parameters["ensure_weight_tying"]?.bool != true,
            let entry = adapter.entries.first(where: { $0.key.kind == .lora && $0.parameters["form"] == "embedding" })
        else { return [] }
        return [
            Finding(
                "tied-head",
                "the output shares this tensor and changes with it, unlike with the adapter apart; to keep the output, save "
                    + "the base with an lm_head of its own", object: entry.key.target)
        ]
    }
}
