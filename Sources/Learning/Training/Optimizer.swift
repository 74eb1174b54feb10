package import Insertions
package import Kernels
import Layers

/// Changes all tensors that are trained, by AdamW (Loshchilov and Hutter, 2019) as PyTorch computes it.
package struct Optimizer<R: Real>: Sendable {
    /// The averages of a tensor's gradients and of their squares.
    package struct Moments: Sendable {
        package let first: Matrix<R>
        package let second: Matrix<R>
    }

    package let moments: [Moments]
    private let tensors: [TrainedTensor<R>]
    private let engine: Engine<R>

    package init(_ tensors: [TrainedTensor<R>], _ engine: Engine<R>) {
        self.tensors = tensors
        self.engine = engine
        moments = tensors.map { tensor in
            let value = tensor.parameter.value
            return Moments(
                first: Matrix(rows: value.rows, columns: value.columns),
                second: Matrix(rows: value.rows, columns: value.columns))
        }
    }

    /// The root of the sum of all gradients' squares.
    package func gradientNorm() -> Double {
        tensors.reduce(0) { $0 + engine.squaredNorm($1.parameter.gradient) }.squareRoot()
    }

    /// Scales the gradients, whose norm is `norm`, down so that it is `limit` at most; 0 is no limit.
    package func clip(norm: Double, to limit: Double) {
        guard limit > 0, norm > limit else { return }
        let factor = R(limit / (norm + 1e-6))
        for tensor in tensors { engine.scale(tensor.parameter.gradient, by: factor) }
    }

    /// Changes the parameters. `step` counts from 1.
    package func step(_ step: Int, _ options: AdamW) {
        for (tensor, moments) in zip(tensors, moments) {
            engine.adamW(
                tensor.parameter.value, gradient: tensor.parameter.gradient, first: moments.first,
                second: moments.second, step: step, options)
        }
    }

    /// Sets the gradients to zero.
    package func clearGradients() {
        for tensor in tensors { tensor.parameter.gradient.fill(0) }
    }
}
