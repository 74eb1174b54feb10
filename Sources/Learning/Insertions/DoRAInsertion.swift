import Adapters
import Kernels
import Layers
import Tensors

/// DoRA at linears that LoRA changes too (Liu et al., 2024): rows of W + s·B·A are rescaled to trained magnitudes,
/// p ⊙ m/n with n = ‖W + s·B·A‖.
final class DoRAInsertion<R: Real>: ProjectionInsertion, @unchecked Sendable {
    private struct Part {
        let linear: Linear<R>
        /// Which linear of its projection.
        let place: Int
        let a: Matrix<R>
        let b: Matrix<R>
        let scale: R
        let magnitude: Parameter<R>
        /// 1/n of the factors as they are now; nil until it is asked for.
        var inverseNorms: Matrix<R>?
    }

    private var parts: [Part] = []
    private let engine: Engine<R>
    let tensors: [TrainedTensor<R>]

    /// Nil where none of `beginnings` has a magnitude; `factors` are those that LoRA trains, in the same order.
    init?(_ beginnings: [LoRAFactors<R>], _ factors: [(a: Matrix<R>, b: Matrix<R>)], _ engine: Engine<R>) {
        self.engine = engine
        var tensors: [TrainedTensor<R>] = []
        for (one, factor) in zip(beginnings, factors) {
            guard let value = one.magnitude else { continue }
            let magnitude = Parameter(name: one.linear.path + ".lora_magnitude_vector", value)
            parts.append(
                Part(
                    linear: one.linear, place: one.place, a: factor.a, b: factor.b, scale: one.scale,
                    magnitude: magnitude))
            tensors.append(
                TrainedTensor(
                    EntryKey(one.linear.weight.name, .lora), .magnitude, shape: [value.columns], magnitude))
        }
        self.tensors = tensors
        if tensors.isEmpty { return nil }
    }

    var parameters: [Parameter<R>] { tensors.map(\.parameter) }
    var changesOutputs: Bool { true }

    /// Keeps p/n, which the magnitude's gradient is a sum over.
    func rescale(_ products: [Matrix<R>], saving saved: inout Saved<R>, _ pass: Pass<R>) {
        var kept: [Matrix<R>] = []
        for index in parts.indices {
            let product = products[parts[index].place]
            pass.engine.scaleColumns(product, by: inverseNorms(index), into: product)
            let unit = pass.matrix(columns: product.columns)
            unit.copy(from: product)
            kept.append(unit)
            pass.engine.scaleColumns(product, by: parts[index].magnitude.value, into: product)
        }
        saved[self] = kept
    }

    /// The norm counts as a constant, as in the paper (section 4.3).
    func rescaleBackward(_ gradients: [Matrix<R>], saved: Saved<R>, _ pass: Pass<R>) {
        for (index, unit) in saved[self].enumerated() {
            let magnitude = parts[index].magnitude
            let gradient = gradients[parts[index].place]
            pass.engine.addColumnSums(of: gradient, times: unit, into: magnitude.gradient)
            pass.engine.scaleColumns(gradient, by: magnitude.value, into: gradient)
            pass.engine.scaleColumns(gradient, by: inverseNorms(index), into: gradient)
        }
    }

    func parametersChanged() {
        for index in parts.indices { parts[index].inverseNorms = nil }
    }

    private func inverseNorms(_ index: Int) -> Matrix<R> {
        let part = parts[index]
        if let norms = part.inverseNorms { return norms }
        let norms = RowNorms.inverse(of: part.linear, plus: part.scale, part.b, part.a, engine)
        parts[index].inverseNorms = norms
        return norms
    }
}
