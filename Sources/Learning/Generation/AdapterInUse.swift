package import Adapters
import Diagnostics
import Insertions
import Training

/// An adapter with the name that it is asked for by, and how much of it counts.
package struct AdapterInUse: Sendable {
    package let name: String
    package let adapter: Adapter
    package let weight: Double

    package init(name: String, _ adapter: Adapter, weight: Double = 1) {
        self.name = name
        self.adapter = adapter
        self.weight = weight
    }

    /// A product has so many terms at most, and the base's own, a bias and others are among them.
    static let most = 12

    /// Refuses adapters that cannot work side by side, or not with a weight, by their names.
    ///
    /// Throws ``Failure/Code/notMergeable``.
    static func check(_ adapters: [AdapterInUse]) throws(Failure) {
        guard adapters.count <= most else {
            throw Failure(
                .notMergeable, "so many adapters cannot be used at once", expected: "at most \(most)",
                actual: "\(adapters.count)")
        }
        for one in adapters {
            guard let reason = one.obstacle else { continue }
            if one.weight != 1 {
                throw Failure(
                    .notMergeable, "this adapter cannot be weighted: \(reason)", object: one.name,
                    expected: "LoRA without biases and magnitudes, or no weight")
            }
            if adapters.count > 1 {
                throw Failure(
                    .notMergeable, "this adapter cannot be used beside others: \(reason)", object: one.name,
                    expected: "LoRA without biases and magnitudes, or one at a time",
                    hint: "tenon merge makes one adapter of several, where that has a meaning")
            }
        }
    }

    /// Why what it adds is not linear in a weight; nil where it is.
    private var obstacle: String? {
        if adapter.method != Method.lora.word { return "it is of \(adapter.method)" }
        if adapter.parameters["use_dora"]?.bool == true { return "it has magnitudes" }
        if let other = adapter.entries.first(where: { $0.key.kind != .file && $0.key.kind != .lora }) {
            return "it has an entry \(other.key.description)"
        }
        return nil
    }

    /// The config that counts: with the weight in alpha, which scales what it adds.
    var parameters: Parameters {
        guard weight != 1 else { return adapter.parameters }
        var weighted = adapter.parameters
        func scaled(_ value: ParameterValue?) -> ParameterValue { .number((value?.double ?? 8) * weight) }
        weighted["lora_alpha"] = scaled(weighted["lora_alpha"])
        if let pattern = weighted["alpha_pattern"]?.map {
            weighted["alpha_pattern"] = .map(pattern.map { .init($0.key, scaled($0.value)) })
        }
        return weighted
    }
}
