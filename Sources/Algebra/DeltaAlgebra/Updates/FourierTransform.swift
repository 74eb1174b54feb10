/// Inverse discrete Fourier transforms of one length, without the factor 1/n: x[j] = Σ_k X[k]·e^(2πi·j·k/n).
///
/// Lengths that are powers of two by halves (Cooley and Tukey 1965); others as a convolution of such a length (Bluestein
/// 1970). In fp64.
struct FourierTransform: Sendable {
    private let count: Int
    /// Roots of unity of the halving, whose length is `count` or that of the convolution.
    private let roots: [Complex]
    private let chirp: Chirp?

    private struct Chirp: Sendable {
        /// e^(πi·j²/n).
        let factors: [Complex]
        /// The transform of their conjugates, wrapped around, over the length.
        let kernel: [Complex]
    }

    init(count: Int) {
        self.count = count
        if count & (count - 1) == 0 {
            roots = Elementary.rootsOfUnity(count)
            chirp = nil
            return
        }
        var length = 1
        while length < 2 * count - 1 { length *= 2 }
        roots = Elementary.rootsOfUnity(length)
        let halves = Elementary.rootsOfUnity(2 * count)
        let factors = (0..<count).map { halves[$0 * $0 % (2 * count)] }
        var kernel = [Complex](repeating: .zero, count: length)
        for index in 0..<count {
            kernel[index] = factors[index].conjugate
            kernel[(length - index) % length] = factors[index].conjugate
        }
        Self.transform(&kernel, roots)
        chirp = Chirp(factors: factors, kernel: kernel.map { $0 * (1 / Double(length)) })
    }

    func transform(_ values: inout [Complex]) {
        guard let chirp else { return Self.transform(&values, roots) }
        // jk = (j² + k² − (j − k)²)/2 turns the sum into a convolution.
        var long = [Complex](repeating: .zero, count: roots.count)
        for index in 0..<count { long[index] = values[index] * chirp.factors[index] }
        Self.transform(&long, roots)
        // The other direction of the transform, by conjugation.
        for index in long.indices { long[index] = (long[index] * chirp.kernel[index]).conjugate }
        Self.transform(&long, roots)
        for index in 0..<count { values[index] = long[index].conjugate * chirp.factors[index] }
    }

    private static func transform(_ values: inout [Complex], _ roots: [Complex]) {
        let count = values.count
        var other = 0
        for index in 1..<max(count, 1) {
            var bit = count >> 1
            while other & bit != 0 {
                other ^= bit
                bit >>= 1
            }
            other |= bit
            if index < other { values.swapAt(index, other) }
        }
        var half = 1
        while half < count {
            let step = count / (2 * half)
            for start in stride(from: 0, to: count, by: 2 * half) {
                for index in start..<(start + half) {
                    let product = values[index + half] * roots[(index - start) * step]
                    values[index + half] = values[index] - product
                    values[index] = values[index] + product
                }
            }
            half *= 2
        }
    }
}
