import Diagnostics
import Tensors

extension KindRule {
    /// Every kind's rule. A kind without a row has none.
    package static let all: [Kind: KindRule] = [
        .lora: lora,
        .file: file,
    ]

    /// ΔW = s·B·A: A [r, in…], B [out, r…].
    static let lora = KindRule(required: [.a, .b], optional: [.magnitude, .bias]) { tensors, _ throws(Failure) in
        guard let a = tensors[.a], let b = tensors[.b], a.rank >= 2, b.rank >= 2 else {
            throw Failure(.kindShape, "the factors of a lora entry are no matrices")
        }
        guard a.dimensions[0] == b.dimensions[1] else {
            throw Failure(
                .kindShape, "the factors of a lora entry have different ranks", expected: "\(a.dimensions[0])",
                actual: "\(b.dimensions[1])")
        }
    }

    static let file = KindRule(required: [], optional: [.value, .frame, .splices])
}
