import Adapters

/// What an approximate delta has of one tensor's change.
struct LossyResult {
    enum Form {
        case nothing
        case lora(LowRankResult.Factors)
        case signs(SignScales)
        /// In whichever lossless form is shortest.
        case lossless
    }

    let name: String
    let form: Form
    /// ‖D − Δ‖², of the numbers as they are stored.
    let squaredDistance: Double
    /// ‖D‖².
    let power: Double

    init(name: String, form: Form, squaredDistance: Double, power: Double) {
        self.name = name
        self.form = form
        self.squaredDistance = squaredDistance
        self.power = power
    }

    init(_ result: LowRankResult) {
        self.init(
            name: result.name, form: result.factors.map { .lora($0) } ?? .nothing,
            squaredDistance: result.relativeError * result.relativeError * result.power, power: result.power)
    }

    var relativeError: Double { power > 0 ? (squaredDistance / power).squareRoot() : 0 }

    /// Of a product of thin matrices.
    var rank: Int? {
        guard case .lora(let factors) = form else { return nil }
        return factors.rank
    }

    /// The kind of the entry that comes near, if there is one.
    var kind: Kind? {
        switch form {
        case .lora: .lora
        case .signs: .signs
        case .nothing, .lossless: nil
        }
    }
}

extension [LossyResult] {
    /// The error of all tensors together, relative to the whole change.
    var relativeError: Double {
        let power = reduce(0) { $0 + $1.power }
        return power > 0 ? (reduce(0) { $0 + $1.squaredDistance } / power).squareRoot() : 0
    }
}
