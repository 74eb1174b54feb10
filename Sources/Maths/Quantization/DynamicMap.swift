/// The 256 values that scales are rounded to in double quantization.
///
/// Seven decades of both signs, from 10⁻⁶ up, with 1, 2, 4, … 64 values each: the midpoints of equal cuts of
/// [0.1, 1] times the decade; then 0 and 1 (8-bit Approximations for Parallelism in Deep Learning, Dettmers 2015; signed,
/// seven exponent bits).
///
/// The cuts round as PyTorch's `linspace` does with fused multiply-add: from both ends, so that the table is the one
/// bitsandbytes stores beside its weights, to the last bit.
package enum DynamicMap {
    /// Ascending.
    package static let values: [Float] = {
        var values: [Float] = [0, 1]
        for (exponent, decade) in [Float](arrayLiteral: 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1).enumerated() {
            let cuts = cuts(of: 1 << exponent)
            for index in 1..<cuts.count {
                let value = decade * ((cuts[index - 1] + cuts[index]) / 2)
                values += [value, -value]
            }
        }
        return values.sorted()
    }()

    /// The midpoints between them: a value above exactly `k` of these is nearest to `values[k]`.
    static let bounds: [Float] = (0..<255).map { (values[$0] + values[$0 + 1]) / 2 }

    /// The `count + 1` ends of `count` equal parts of [0.1, 1].
    private static func cuts(of count: Int) -> [Float] {
        let (first, last): (Float, Float) = (0.1, 1)
        let step = (last - first) / Float(count)
        return (0...count).map { index in
            index < (count + 1) / 2
                ? first.addingProduct(step, Float(index)) : last.addingProduct(-step, Float(count - index))
        }
    }
}
