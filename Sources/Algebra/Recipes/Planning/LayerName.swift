import DeltaAlgebra
import Diagnostics

/// The name of a tensor that belongs to a layer: what stands before its number, and after.
struct LayerName {
    /// With the period at its end.
    let stack: String
    let number: Int
    /// With the period at its beginning.
    let rest: String

    /// Nil for a name without a number between two periods.
    init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard
            let index = parts.indices.dropFirst().dropLast().first(where: {
                !parts[$0].isEmpty && parts[$0].utf8.allSatisfy { (0x30...0x39).contains($0) }
            }), let number = Int(parts[index])
        else { return nil }
        stack = parts[..<index].joined(separator: ".") + "."
        self.number = number
        rest = "." + parts[(index + 1)...].joined(separator: ".")
    }
}

/// The layers of a model, by the names of its tensors.
struct LayerStacks {
    /// How many layers each stack has: one more than its highest number.
    private(set) var counts: [String: Int] = [:]

    init(_ names: some Sequence<String>) {
        for name in names {
            guard let layer = LayerName(name) else { continue }
            let (count, overflow) = layer.number.addingReportingOverflow(1)
            counts[layer.stack] = max(counts[layer.stack] ?? 0, overflow ? layer.number : count)
        }
    }

    /// The only stack, where there is one.
    var only: (stack: String, count: Int)? {
        counts.count == 1 ? counts.first.map { ($0.key, $0.value) } : nil
    }
}

/// Which tensors of a language model are its embeddings.
enum EmbeddingNames {
    private static let inputs = [
        "embed_tokens.weight", "wte.weight", "word_embeddings.weight", "tok_embeddings.weight", "embed_in.weight",
    ]
    private static let heads = ["lm_head.weight", "embed_out.weight"]

    static func isInput(_ name: String) -> Bool { inputs.contains { isName(name, $0) } }

    /// Whether it is the output embedding, which may be the input embedding's twin.
    static func isHead(_ name: String) -> Bool { heads.contains { isName(name, $0) } || name == "output.weight" }

    /// Whether it has a row or an element for every token.
    static func isOfVocabulary(_ name: String) -> Bool {
        isInput(name) || isHead(name) || isName(name, "lm_head.bias")
    }

    /// Whether it stands before the layers of a model: `Spec/merge.md`.
    static func isBeforeLayers(_ name: String) -> Bool {
        !isHead(name) && ["embed", "wte", "wpe"].contains { name.contains($0) }
    }

    private static func isName(_ name: String, _ known: String) -> Bool {
        name == known || name.hasSuffix("." + known)
    }
}
