import Adapters
import Diagnostics
import Tensors

/// Ways in which an adapter that reads well does not do what its owner thinks.
enum Traps {
    static func find(in adapter: Adapter) throws(Failure) -> [Finding] {
        guard PEFTMethod.of(method: adapter.method) != nil else { return [] }
        var findings: [Finding] = []
        if let finding = changedBase(adapter) { findings.append(finding) }
        if let finding = missingBiases(adapter) { findings.append(finding) }
        if let finding = try untrained(adapter) { findings.append(finding) }
        return findings
    }

    /// PiSSA, OLoRA, CorDA, LoRA-GA, LoftQ and KaSA take something out of the base when they start: their factors are no
    /// change of the base as it is published.
    private static func changedBase(_ adapter: Adapter) -> Finding? {
        let word: String
        let key: String
        if let start = adapter.parameters["init_lora_weights"]?.string {
            (word, key) = (start, "init_lora_weights")
        } else if adapter.parameters["kasa_config"] != nil {
            (word, key) = ("KaSA", "kasa_config")
        } else {
            return nil
        }
        return Finding(
            "base-changed",
            "started by \(word), which changes the base: on the published base the adapter does something else",
            object: key)
    }

    /// PEFT up to 0.20.0 did not write the biases of `bias="lora_only"`.
    private static func missingBiases(_ adapter: Adapter) -> Finding? {
        guard let bias = adapter.parameters["bias"]?.string, !adapter.entries.contains(where: { $0.key.kind == .bias })
        else { return nil }
        return Finding("biases-missing", "the config says bias=\(bias), but the file has no biases", object: "bias")
    }

    /// Factors that start at zero, and while they are zero their entry does nothing.
    private static let startAtZero: [Kind: [Role]] = [
        .lora: [.b, .a], .adalora: [.e], .vera: [.lambdaB], .hadamard: [.w2B], .kronecker: [.w2, .w2B],
        .orthogonal: [.rotation], .spectrum: [.spectrum], .sparse: [.value], .shards: [.value],
        .randomBasis: [.lambda], .gatedPrompt: [.gate],
    ]

    private static func untrained(_ adapter: Adapter) throws(Failure) -> Finding? {
        var first: String?
        var count = 0
        var total = 0
        for entry in adapter.entries {
            guard let roles = startAtZero[entry.key.kind] else { continue }
            total += 1
            for role in roles {
                guard let source = entry[role], try source.isZero() else { continue }
                first = first ?? entry.key.target
                count += 1
                break
            }
        }
        guard let first else { return nil }
        return Finding(
            "untrained", "\(count) of \(total) modules have a factor that is all zero: they do nothing", object: first)
    }
}

extension TensorSource {
    /// Whether all bytes are zero; reads no further than the first that is not.
    func isZero() throws(Failure) -> Bool {
        var offset = 0
        var size = 256
        while offset < byteCount {
            let bytes = try read(at: offset, count: min(size, byteCount - offset))
            if bytes.contains(where: { $0 != 0 }) { return false }
            offset += bytes.count
            size = 1 << 20
        }
        return true
    }
}
