import Adapters
import Checkpoints
import Diagnostics
import Digests
import Files
import Insertions
import Interchange
import JSON
import Tensors

extension RunIdentity {
    /// All that the result of a job depends on.
    init(of job: TrainingJob) throws(Failure) {
        let config = try InputFile(path: Paths.joined(job.base.folder, "config.json"))
        let root = try BaseFingerprint(of: job.base, lanes: job.lanes, cache: .standard()).root
        var parts = JSONObject()
        parts["--base"] = .string("\(root)")
        parts["config.json"] = .string(Self.digest(try config.read(at: 0, count: config.size)))
        parts["--data"] = .string("\(job.data.digest)")
        parts["--init"] = try Self.digest(of: job)
        parts["--method"] = .string(job.options.method.word)
        for document in [job.options.parameters.document, job.options.document] {
            for (key, value) in document.object?.members ?? [] { parts[Self.flags[key] ?? key] = value }
        }
        self.init(parts)
    }

    /// The flags of options and of keys of a method's config that have one.
    private static let flags = [
        "accumulation": "--gradient-accumulation-steps", "batchSize": "--batch-size", "bias": "--bias",
        "chatTemplate": "--chat-template", "gradientLimit": "--max-grad-norm", "layers_to_transform": "--num-layers",
        "learningRate": "--learning-rate",
        "lora_alpha": "--alpha", "lora_dropout": "--dropout", "maskPrompt": "--mask-prompt",
        "maximumLength": "--max-seq-length",
        "newHead": "--new-head", "num_virtual_tokens": "--virtual-tokens", "patience": "--early-stopping-patience",
        "r": "--rank",
        "schedule": "--lr-schedule", "seed": "--seed", "task": "--task", "steps": "--iters",
        "stepsPerEvaluation": "--steps-per-eval",
        "target_modules": "--target-modules", "use_dora": "--dora", "use_rslora": "--rslora",
        "warmupSteps": "--warmup", "weightDecay": "--weight-decay",
    ]

    private static func digest(_ bytes: [UInt8]) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return "\(hash.finish())"
    }

    /// Of the adapter that the run goes on from; null where there is none.
    private static func digest(of job: TrainingJob) throws(Failure) -> JSONValue {
        guard let initial = job.initial else { return .null }
        var hash = SHA256()
        for entry in initial.entries {
            hash.update(lengthPrefixed: Array(entry.key.description.utf8))
            for tensor in entry.tensors { hash.update(lengthPrefixed: try tensor.source.readAll()) }
        }
        return .string("\(hash.finish())")
    }
}
