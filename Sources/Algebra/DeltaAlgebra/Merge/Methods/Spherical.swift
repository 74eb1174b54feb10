import Diagnostics

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Along the great circle between two vectors: Shoemake, Animating rotation with quaternion curves, 1985.
enum GreatCircle {
    /// What the two are multiplied with at `t` of the way, for an angle whose cosine is `cosine`.
    static func factors(_ t: Double, cosine: Double) -> [Double] {
        let angle = acos(cosine)
        return [sin((1 - t) * angle) / sin(angle), sin(t * angle) / sin(angle)]
    }
}

/// From the base to the other model.
struct Slerp: MergeMethod {
    let word = "slerp"
    let base = BaseNeed.required
    let modelCount = 1...1
    let settings = [MergeSetting("t", .tensor, nil)]
    let lacks = TensorLack.copiedFromOne

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        let t = try value("t", in: tensor.values)
        return SpanMerger(includesBase: true) { gram in
            let cosine = gram.cosine(0, 1, least: 1e-8)
            return abs(cosine) > 0.9995 ? [1 - t, t] : GreatCircle.factors(t, cosine: cosine)
        }
    }
}

/// Between two models, or their differences from a base, by their weights.
struct NuSlerp: MergeMethod {
    let word = "nuslerp"
    let base = BaseNeed.optional
    let modelCount = 2...2
    let settings = [
        MergeSetting("weight", .model, nil), MergeSetting("nuslerp_row_wise", .tensor, false),
        MergeSetting("nuslerp_flatten", .tensor, true),
    ]
    let lacks = TensorLack.copiedFromOne

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        let weights = try values("weight", of: tensor)
        let sum = weights.reduce(0, +)
        let t = abs(sum) < 1e-6 ? 0.5 : weights[1] / sum
        let isFlat = try flag("nuslerp_flatten", in: tensor.values)
        let isAlongRows = try flag("nuslerp_row_wise", in: tensor.values)
        return SpanMerger(
            isOfDifferences: tensor.base != nil, layout: isFlat ? .whole : isAlongRows ? .columns : .rows
        ) { gram in
            let cosine = gram.cosine(0, 1)
            return 1 - cosine * cosine <= 1e-7 ? [1 - t, t] : GreatCircle.factors(t, cosine: cosine)
        }
    }
}

/// The direction of the weighted sum of unit vectors, as long as the models are: Goddard, Multi-SLERP, 2025.
struct MultiSlerp: MergeMethod {
    let word = "multislerp"
    let base = BaseNeed.optional
    let modelCount = 1...Int.max
    let settings = [
        MergeSetting("weight", .model, nil), MergeSetting("normalize_weights", .tensor, true),
        MergeSetting("eps", .tensor, 1e-8, in: 0...Double.greatestFiniteMagnitude),
    ]

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        var weights = try values("weight", of: tensor)
        let least = try value("eps", in: tensor.values)
        if try flag("normalize_weights", in: tensor.values) {
            let sum = weights.reduce(0, +)
            guard abs(sum) >= 1e-8 else {
                throw Failure(
                    .recipeInvalid, "the weights sum to zero", object: tensor.name, hint: "normalize_weights: false")
            }
            weights = weights.map { $0 / sum }
        }
        guard weights.count > 1 else { return SpanMerger { _ in [1] } }
        let shares = weights
        return SpanMerger(isOfDifferences: tensor.base != nil) { gram in
            let models = 0..<gram.count
            let square = models.reduce(0) { sum, i in
                sum + models.reduce(0) { $0 + shares[i] * shares[$1] * gram.cosine(i, $1) }
            }
            let norm = max(0, square).squareRoot()
            guard norm >= least, norm > 0 else { return shares }
            let length = models.reduce(0) { $0 + shares[$1] * gram.norm($1) } / norm
            return models.map { gram.norm($0) > 0 ? length * shares[$0] / gram.norm($0) : 0 }
        }
    }
}
