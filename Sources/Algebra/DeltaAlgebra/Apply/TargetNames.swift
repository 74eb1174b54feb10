import Diagnostics
import JSON

/// Finds the tensor of a base that a target means.
///
/// An adapter names tensors as the model it was trained on did; the same tensor's name in a file may lack that model's
/// prefix, have another one, or be the one that an older release used.
struct TargetNames: Sendable {
    private let names: Set<ExactKey>
    /// What stands before the first and the second period of the base's names.
    private let prefixes: [String]

    init(_ names: [String]) {
        self.names = Set(names.map(ExactKey.init))
        var prefixes: Set<ExactKey> = []
        for name in names {
            var dots = 0
            for index in name.utf8.indices where name.utf8[index] == UInt8(ascii: ".") {
                prefixes.insert(ExactKey(String(name[...index])))
                dots += 1
                if dots == 2 { break }
            }
        }
        self.prefixes = prefixes.map(\.string).sorted { $0.precedesInBytes($1) }
    }

    enum Match: Sendable {
        case found(String)
        case ambiguous([String])
        case none
    }

    /// Exactly; else with a prefix taken away or put before; else by the renames of the architectures. Only one tensor
    /// may come of it.
    func match(_ target: String) -> Match {
        if has(target) { return .found(target) }
        for spelling in [target] + Self.renamed(target) {
            var found: Set<ExactKey> = has(spelling) ? [ExactKey(spelling)] : []
            var rest = spelling[...]
            for _ in 0..<3 {
                guard let dot = rest.firstIndex(of: ".") else { break }
                rest = rest[rest.index(after: dot)...]
                if has(String(rest)) { found.insert(ExactKey(String(rest))) }
            }
            for prefix in prefixes where has(prefix + spelling) { found.insert(ExactKey(prefix + spelling)) }
            if found.count > 1 { return .ambiguous(found.map(\.string).sorted { $0.precedesInBytes($1) }) }
            if let only = found.first { return .found(only.string) }
        }
        return .none
    }

    private func has(_ name: String) -> Bool { names.contains(ExactKey(name)) }

    /// The other names that releases of Hugging Face's models have had for a tensor.
    private static func renamed(_ target: String) -> [String] {
        let pairs = [
            // BERT's norms, as converted from TensorFlow.
            (".LayerNorm.weight", ".LayerNorm.gamma"), (".LayerNorm.bias", ".LayerNorm.beta"),
            // The head's bias, which its last layer shares.
            ("cls.predictions.decoder.bias", "cls.predictions.bias"), ("lm_head.decoder.bias", "lm_head.bias"),
            // Models of images and text, before and after 4.52.
            ("model.language_model.", "language_model.model."), ("language_model.lm_head.", "lm_head."),
            ("model.visual.", "visual."), ("model.vision_tower.", "vision_tower."),
        ]
        var names: [String] = []
        for (one, other) in pairs {
            for (from, to) in [(one, other), (other, one)] {
                if let range = target.firstRange(of: from) {
                    names.append(target.replacingCharacters(in: range, with: to))
                }
            }
        }
        return names
    }

    /// The base's names that are nearest to a target, for whoever looks for the mistake.
    func nearest(to target: String, count: Int = 3) -> [String] {
        let scored = names.map { (name: $0.string, distance: $0.string.editDistance(to: target)) }
        let sorted = scored.sorted { a, b in
            a.distance != b.distance ? a.distance < b.distance : a.name.precedesInBytes(b.name)
        }
        return sorted.prefix(count).map(\.name)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
