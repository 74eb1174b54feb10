package import Kernels

/// y = x / √(mean(x²) + ε) ⊙ w (Zhang and Sennrich, 2019). It keeps 1/√… for each token, and no y.
package struct RMSNorm<R: Real>: Sendable {
    package let weight: BaseParameter<R>
    package let epsilon: R

    package init(weight: BaseParameter<R>, epsilon: R) {
        self.weight = weight
        self.epsilon = epsilon
    }

    /// y [tokens, d] and the inverse roots [tokens, 1].
    package func forward(_ x: Matrix<R>, _ engine: Engine<R>) -> (y: Matrix<R>, inverse: Matrix<R>) {
        let y = engine.workspace.matrix(rows: x.rows, columns: x.columns)
        let inverse = engine.workspace.matrix(rows: x.rows, columns: 1)
        engine.rmsNorm(x, weight: weight.row, epsilon: epsilon, into: y, inverse: inverse)
        return (y, inverse)
    }

    /// Adds to `inputGradient` what the gradient of y means for x.
    package func backward(
        _ x: Matrix<R>, inverse: Matrix<R>, gradient: Matrix<R>, addingTo inputGradient: Matrix<R>, _ engine: Engine<R>
    ) {
        engine.rmsNormBackward(
            x, weight: weight.row, inverse: inverse, gradient: gradient, into: inputGradient,
            weightGradient: weight.trained?.gradient)
    }
}
