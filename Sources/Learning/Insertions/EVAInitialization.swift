import Adapters
import Diagnostics
import Kernels
import Layers

/// Begins LoRA's A with the directions in which the inputs of its layers vary most (Paischer et al., Explained Variance
/// Adaptation, 2024), each layer keeping its rank; B stays zero.
final class EVAInitialization<R: Real>: DataInitialization, @unchecked Sendable {
    private struct Layer {
        let covariance: InputCovariance<R>
        /// The As of the projection's linears.
        let factors: [Matrix<R>]
    }

    private let onlyLabeled: Bool
    private var layers: [Layer] = []
    private var round = 0..<0
    /// What is gathered in one round, but for a layer that is larger.
    static var roundBytes: Int { 256 << 20 }

    /// Throws ``Failure/Code/badParameter`` for an `eva_config` that gives ranks to other layers or whitens.
    init(_ parameters: Parameters) throws(Failure) {
        let config = Dictionary((parameters["eva_config"]?.map ?? []).map { ($0.key, $0.value) }) { first, _ in first }
        guard (config["rho"]?.double ?? 1) == 1, config["whiten"]?.bool ?? false == false else {
            throw Failure(
                .badParameter, "training does not know this value of the config", object: "eva_config",
                expected: "rho 1, and no whitening", actual: parameters["eva_config"]?.summary)
        }
        onlyLabeled = config["use_label_mask"]?.bool ?? true
    }

    /// `factors` are the As of the projection's linears, to be filled.
    func add(_ projection: Projection<R>, _ factors: [Matrix<R>]) {
        let covariance = InputCovariance(projection, onlyLabeled: onlyLabeled)
        projection.insert(covariance)
        layers.append(Layer(covariance: covariance, factors: factors))
    }

    func beginRound() -> Bool {
        var end = round.upperBound
        var bytes = 0
        while end < layers.count, end == round.upperBound || bytes + layers[end].covariance.byteCount <= Self.roundBytes
        {
            bytes += layers[end].covariance.byteCount
            end += 1
        }
        round = round.upperBound..<end
        for layer in layers[round] { layer.covariance.begin() }
        return !round.isEmpty
    }

    /// Rows for which the inputs vary too little keep what they have.
    func endRound(_ engine: Engine<R>) throws(Failure) {
        for layer in layers[round] {
            let vectors = try layer.covariance.end(layer.factors.reduce(0) { max($0, $1.rows) }, engine)
            for a in layer.factors {
                for (row, vector) in vectors.prefix(a.rows).enumerated() {
                    a.rows(row..<row + 1).copy(from: Matrix(rows: 1, columns: a.columns, vector.map { R($0) }))
                }
            }
        }
    }
}
