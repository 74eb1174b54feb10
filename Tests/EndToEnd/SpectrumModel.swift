import Support

/// A base of four matrices, a filter and a vector in fp32, and what changes of chosen spectra make of it.
struct SpectrumModel: Sendable, CustomStringConvertible {
    let description: String
    /// The singular values of each matrix's change, and the size of noise beside them.
    private let spectra: [(values: [Float], noise: Float)]

    static let all = [
        SpectrumModel(
            description: "low rank", spectra: [([1, 0.5], 0), ([2, 1, 1], 0), ([0.1], 0), ([0.7, 0.7], 0)]),
        SpectrumModel(description: "noise", spectra: [([], 0.01), ([], 0.02), ([], 0.001), ([], 0.05)]),
        SpectrumModel(
            description: "low rank, noise, both and nothing",
            spectra: [([3, 2, 1], 0), ([], 0.03), ([2, 0.5], 0.01), ([], 0)]),
        SpectrumModel(
            description: "slow decay",
            spectra: [
                ((1...30).map { 1 / Float($0) }, 0), ((1...30).map { 2 / Float($0).squareRoot() }, 0.001),
                ((1...20).map { 0.3 / Float($0) }, 0.01), ([Float](repeating: 0.2, count: 40), 0),
            ]),
    ]

    static let shapes = [[48, 64], [40, 40], [64, 24], [32, 96]]

    static func name(_ number: Int) -> String { "model.layers.\(number).mlp.up_proj.weight" }

    func models(_ seed: UInt64 = 3) -> (base: TinyModel, tuned: TinyModel) {
        var random = RepeatableRandom(seed: seed)
        func uniform(_ count: Int, _ size: Float) -> [Float] {
            (0..<count).map { _ in size * 1.7320508 * Float.random(in: -1...1, using: &random) }
        }
        var base = TinyModel()
        var tuned = base
        for (number, spectrum) in spectra.enumerated() {
            let (rows, columns) = (Self.shapes[number][0], Self.shapes[number][1])
            let before = uniform(rows * columns, 0.02)
            var change = uniform(rows * columns, spectrum.noise)
            for value in spectrum.values {
                let left = uniform(rows, value / Float(rows * columns).squareRoot())
                let right = uniform(columns, 1)
                for index in change.indices { change[index] += left[index / columns] * right[index % columns] }
            }
            base[Self.name(number)] = .floats(before, Self.shapes[number])
            tuned[Self.name(number)] = .floats(zip(before, change).map { $0 + $1 }, Self.shapes[number])
        }
        let norm = uniform(24, 1)
        base["model.norm.weight"] = .floats(norm, [24])
        tuned["model.norm.weight"] = .floats(norm.map { $0 * 1.01 }, [24])
        return (base, tuned)
    }
}

extension TinyModel.Tensor {
    static func floats(_ values: [Float], _ shape: [Int]) -> Self {
        Self(
            dtype: "F32", shape: shape,
            bytes: values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } })
    }

    /// Of F32.
    var floats: [Float] {
        stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << ($1 * 8) })
        }
    }
}
