import Diagnostics

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The mean of directions on the sphere, as long as the models are: Karcher, Riemannian center of mass and mollifier
/// smoothing, 1977.
struct Karcher: MergeMethod {
    let word = "karcher"
    let base = BaseNeed.member
    let modelCount = 1...Int.max
    let settings = [
        MergeSetting("max_iter", .tensor, 10, in: 0...1e6), MergeSetting("tol", .tensor, 1e-5, in: 1e-300...1),
    ]

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        let rounds = Int(try value("max_iter", in: tensor.values))
        let tolerance = try value("tol", in: tensor.values)
        guard tensor.inputs.count > 1 else { return SpanMerger { _ in [1] } }
        return SpanMerger { gram in
            KarcherMean.factors(
                of: gram, weights: [Double](repeating: 1 / Double(gram.count), count: gram.count), rounds: rounds,
                tolerance: tolerance)
        }
    }
}

/// The mean of unit vectors by their inner products alone: it and every step to it are combinations of them.
enum KarcherMean {
    /// What the vectors, at their own lengths, are multiplied with. `weights` sum to one.
    static func factors(of gram: GramMatrix, weights: [Double], rounds: Int, tolerance: Double) -> [Double] {
        let models = (0..<gram.count).filter { gram.norm($0) > 0 }
        let total = models.reduce(0) { $0 + weights[$1] }
        var factors = [Double](repeating: 0, count: gram.count)
        guard !models.isEmpty, total != 0 else { return factors }
        let shares = models.map { weights[$0] / total }
        let cosines = models.map { i in models.map { gram.cosine(i, $0) } }
        func norm(_ vector: [Double]) -> Double {
            max(0, zip(vector, projections(vector)).reduce(0) { $0 + $1.0 * $1.1 }).squareRoot()
        }
        /// The inner product with each unit vector.
        func projections(_ vector: [Double]) -> [Double] {
            cosines.map { row in zip(row, vector).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        var mean = shares
        let length = norm(mean)
        mean = length < tolerance ? models.indices.map { $0 == 0 ? 1 : 0 } : mean.map { $0 / length }
        for _ in 0..<rounds {
            var tangent = [Double](repeating: 0, count: models.count)
            for (i, projection) in projections(mean).enumerated() {
                let cosine = min(1, max(-1, projection)), angle = acos(cosine)
                guard angle >= tolerance, cosine > -1 + 1e-12 else { continue }
                let scale = shares[i] * angle / sin(angle)
                tangent[i] += scale
                for j in models.indices { tangent[j] -= scale * cosine * mean[j] }
            }
            let step = norm(tangent)
            guard step >= tolerance else { break }
            mean = zip(mean, tangent).map { cos(step) * $0 + sin(step) / step * $1 }
            let length = norm(mean)
            guard length > 0 else { break }
            mean = mean.map { $0 / length }
        }
        let size = (0..<gram.count).reduce(0) { $0 + weights[$1] * gram.norm($1) }
        for (place, model) in models.enumerated() { factors[model] = mean[place] * size / gram.norm(model) }
        return factors
    }
}
