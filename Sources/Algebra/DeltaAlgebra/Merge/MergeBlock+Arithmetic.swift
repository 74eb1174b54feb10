import CKernels

extension MergeBlock {
    // MARK: Sums and differences

    /// Makes differences from the base out of the models' values.
    func subtractBase() {
        for vector in inputVectors {
            unsafe tenon_subtract(self[vector].baseAddress, self[.base].baseAddress, count, self[vector].baseAddress)
        }
    }

    func fill(_ vector: Vector, _ value: Float) {
        unsafe self[vector].update(repeating: value)
    }

    func copy(_ source: Vector, to target: Vector) {
        unsafe _ = self[target].update(fromContentsOf: self[source])
    }

    /// `sum = fma(factor, vector, sum)`.
    func add(_ vector: Vector, times factor: Float, to sum: Vector) {
        unsafe tenon_add_multiple(self[vector].baseAddress, factor, count, self[sum].baseAddress)
    }

    func add(_ vector: Vector, _ elements: Range<Int>, times factor: Float, to sum: Vector) {
        let values = unsafe UnsafeMutableBufferPointer(rebasing: self[vector][elements])
        let target = unsafe UnsafeMutableBufferPointer(rebasing: self[sum][elements])
        unsafe tenon_add_multiple(values.baseAddress, factor, elements.count, target.baseAddress)
    }

    func scale(_ vector: Vector, by factor: Float) {
        unsafe tenon_scale(self[vector].baseAddress, factor, count, self[vector].baseAddress)
    }

    /// Adds the base to the result: its own bits where the result is zero.
    func addBase() {
        unsafe tenon_add_base(self[.base].baseAddress, count, self[.result].baseAddress)
    }

    func divide(_ vector: Vector, by divisor: Float) {
        unsafe tenon_divide(self[vector].baseAddress, divisor, count)
    }

    /// In fp64, over some elements of the block.
    func dot(_ a: Vector, _ b: Vector, _ elements: Range<Int>) -> Double {
        stride(from: elements.lowerBound, to: elements.upperBound, by: MergeInputs.usualBlockElements).reduce(0) {
            sum, start in
            let end = min(start + MergeInputs.usualBlockElements, elements.upperBound)
            let left = unsafe UnsafeMutableBufferPointer(rebasing: self[a][start..<end])
            let right = unsafe UnsafeMutableBufferPointer(rebasing: self[b][start..<end])
            return sum + (unsafe tenon_dot(left.baseAddress, right.baseAddress, end - start))
        }
    }

    func dot(_ a: Vector, _ b: Vector) -> Double { dot(a, b, 0..<count) }

    /// In fp64.
    func magnitudeSum(_ vector: Vector) -> Double {
        unsafe tenon_sum_magnitudes(self[vector].baseAddress, count)
    }

    /// Sets the result to the sum of the inputs, of those that count.
    func mix(_ mixture: Mixture) {
        unsafe withInputs { deltas in
            unsafe mixture.votes.withUnsafeBufferPointer { votes in
                unsafe mixture.factors.withUnsafeBufferPointer { factors in
                    unsafe mixture.weights.withUnsafeBufferPointer { weights in
                        var rule = unsafe tenon_mixture(
                            votes: votes.baseAddress, factors: factors.baseAddress, weights: weights.baseAddress,
                            models: inputCount, elects: mixture.elects ? 1 : 0, divides: mixture.divides ? 1 : 0,
                            least_divisor: mixture.leastDivisor)
                        unsafe tenon_mix(&rule, deltas, count, self[.result].baseAddress)
                    }
                }
            }
        }
    }

    /// RAM's sum: only what a model changed by more than `least`; alone, or shared by so many.
    func mixChanged(above least: Float, alone: [Float], shares: [Float]) {
        unsafe withInputs { deltas in
            unsafe tenon_mix_changed(
                deltas, inputCount, count, least, alone, shares, self[.result].baseAddress)
        }
    }

    /// How many elements each model changed alone, and how many with others.
    func changedCounts(above least: Float) -> (alone: [UInt64], shared: [UInt64]) {
        var alone = [UInt64](repeating: 0, count: inputCount), shared = alone
        unsafe withInputs { deltas in
            unsafe tenon_count_changed_models(deltas, inputCount, count, least, &alone, &shared)
        }
        return (alone, shared)
    }

    private func withInputs(_ body: (UnsafePointer<UnsafePointer<Float>?>?) -> Void) {
        let deltas = unsafe inputVectors.map { unsafe UnsafePointer(self[$0].baseAddress) }
        unsafe deltas.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }

    /// Fills `target` with the variance of the inputs at every element.
    func variance(into target: Vector) {
        unsafe withInputs { deltas in
            unsafe tenon_variance(deltas, inputCount, count, self[target].baseAddress)
        }
    }

    // MARK: Two models

    /// Sets the result to the input where that is within `t` of the base, else takes a step of `t` towards it.
    func swapNear(_ input: Vector, within t: Float) {
        unsafe tenon_swap_near(
            self[.base].baseAddress, self[input].baseAddress, count, t, self[.result].baseAddress)
    }

    /// The Kullback-Leibler divergence of each row of the input from the base's, both as a softmax makes them.
    func divergences(_ input: Vector) -> [Double] {
        stride(from: 0, to: count, by: columns).map { start in
            let other = unsafe UnsafeMutableBufferPointer(rebasing: self[input][start..<start + columns])
            let own = unsafe UnsafeMutableBufferPointer(rebasing: self[.base][start..<start + columns])
            return unsafe tenon_divergence(other.baseAddress, own.baseAddress, columns)
        }
    }

    /// Fills the spare vector with |result| times the factor of each row.
    func rank(byRow factors: ArraySlice<Double>) {
        for (start, factor) in zip(stride(from: 0, to: count, by: columns), factors) {
            let values = unsafe UnsafeMutableBufferPointer(rebasing: self[.result][start..<start + columns])
            let out = unsafe UnsafeMutableBufferPointer(rebasing: self[.spare][start..<start + columns])
            unsafe tenon_scale_magnitudes(values.baseAddress, factor, columns, out.baseAddress)
        }
    }

    /// Sets the result to `input − base`.
    func difference(_ input: Vector) {
        unsafe tenon_subtract(self[input].baseAddress, self[.base].baseAddress, count, self[.result].baseAddress)
    }

    /// Sets the result to the input where the spare vector is at least `least`, else to the base.
    func choose(_ input: Vector, whereSpareIsAtLeast least: Double) {
        unsafe tenon_choose(
            self[.spare].baseAddress, least, self[input].baseAddress, self[.base].baseAddress, count,
            self[.result].baseAddress)
    }

    // MARK: Selection

    func countUpper(_ vector: Vector, _ counts: inout [UInt32]) {
        unsafe tenon_count_upper(self[vector].baseAddress, count, &counts)
    }

    func countLower(_ vector: Vector, ofUpper upper: UInt32, _ counts: inout [UInt32]) {
        unsafe tenon_count_lower(self[vector].baseAddress, count, upper, &counts)
    }

    func ties(_ vector: Vector, _ magnitude: UInt32) -> Int {
        unsafe tenon_count_ties(self[vector].baseAddress, count, magnitude)
    }

    /// Sets to zero what is not among the largest: below the magnitude, or of it but not among the first `kept` here.
    func clearBelow(_ vector: Vector, _ magnitude: UInt32, ties: Int, kept: Int) {
        unsafe tenon_clear_below(self[vector].baseAddress, count, magnitude, ties, kept)
    }

    /// Sets to zero what is among the largest: above the magnitude, or of it and among the first `cleared` here.
    func clearAbove(_ vector: Vector, _ magnitude: UInt32, ties: Int, cleared: Int) {
        unsafe tenon_clear_above(self[vector].baseAddress, count, magnitude, ties, cleared)
    }

    /// Sets to zero each element but with a chance of `chance` / 2²⁴, by the element's place in the tensor.
    func clearRandomly(_ vector: Vector, key: UInt64, chance: UInt32) {
        unsafe tenon_random_clear(key, UInt64(first), count, chance, self[vector].baseAddress)
    }

    /// Sets to zero the elements at which another vector is zero.
    func clear(_ vector: Vector, whereZero mask: Vector) {
        unsafe tenon_clear_masked(self[mask].baseAddress, count, self[vector].baseAddress)
    }

    func nonzeroCount(_ vector: Vector) -> Int {
        count - ties(vector, 0)
    }
}

/// How the differences of several models become one: ``MergeBlock/mix(_:)``.
struct Mixture: Sendable {
    /// What each model's differences are multiplied with where signs are elected.
    var votes: [Float]
    /// And where they are added.
    var factors: [Float]
    /// What of each model the sum is divided by.
    var weights: [Double]
    /// Only those count whose vote has the sign of the sum of all votes.
    var elects: Bool
    var divides: Bool
    /// Divisors whose magnitude is below it are taken for one.
    var leastDivisor = 1e-8
}
