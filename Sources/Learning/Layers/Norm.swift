package import Kernels

/// What brings each token's numbers to a common size.
package protocol Norm<R>: Sendable {
    associatedtype R: Real

    /// Its weight, and its bias where it has one.
    var parameters: [BaseParameter<R>] { get }

    /// y [tokens, d], and what backward needs of the pass. y itself is not kept.
    func forward(_ x: Matrix<R>, _ engine: Engine<R>) -> (y: Matrix<R>, statistics: NormStatistics<R>)

    /// Adds to the parameters' gradients, and to `inputGradient` what the gradient of y means for x.
    func backward(
        _ x: Matrix<R>, _ statistics: NormStatistics<R>, gradient: Matrix<R>, addingTo inputGradient: Matrix<R>,
        _ engine: Engine<R>)
}

extension Norm {
    var isTrained: Bool { parameters.contains { $0.isTrained } }
    /// How many numbers a token has.
    var width: Int { parameters[0].row.columns }
}

/// What a norm found of each token, [tokens, 1].
package struct NormStatistics<R: Real>: Sendable {
    /// Nil where it takes none away.
    let mean: Matrix<R>?
    /// What numbers were multiplied with.
    let inverse: Matrix<R>
}

/// y = x / √(mean(x²) + ε) ⊙ w (Zhang and Sennrich, 2019).
package struct RMSNorm<R: Real>: Norm {
    package let weight: BaseParameter<R>
    package let epsilon: R

    package init(weight: BaseParameter<R>, epsilon: R) {
        self.weight = weight
        self.epsilon = epsilon
    }

    package var parameters: [BaseParameter<R>] { [weight] }

    package func forward(_ x: Matrix<R>, _ engine: Engine<R>) -> (y: Matrix<R>, statistics: NormStatistics<R>) {
        let y = engine.workspace.matrix(rows: x.rows, columns: x.columns)
        let inverse = engine.workspace.matrix(rows: x.rows, columns: 1)
        engine.rmsNorm(x, weight: weight.row, epsilon: epsilon, into: y, inverse: inverse)
        return (y, NormStatistics(mean: nil, inverse: inverse))
    }

    package func backward(
        _ x: Matrix<R>, _ statistics: NormStatistics<R>, gradient: Matrix<R>, addingTo inputGradient: Matrix<R>,
        _ engine: Engine<R>
    ) {
        engine.rmsNormBackward(
            x, weight: weight.row, inverse: statistics.inverse, gradient: gradient, into: inputGradient,
            weightGradient: weight.trained?.gradient)
    }
}

/// y = (x − mean(x)) / √(variance(x) + ε) ⊙ w + b (Ba, Kiros and Hinton, 2016).
package struct LayerNorm<R: Real>: Norm {
    package let weight: BaseParameter<R>
    package let bias: BaseParameter<R>
    package let epsilon: R

    package init(weight: BaseParameter<R>, bias: BaseParameter<R>, epsilon: R) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    package var parameters: [BaseParameter<R>] { [weight, bias] }

    package func forward(_ x: Matrix<R>, _ engine: Engine<R>) -> (y: Matrix<R>, statistics: NormStatistics<R>) {
        let y = engine.workspace.matrix(rows: x.rows, columns: x.columns)
        let mean = engine.workspace.matrix(rows: x.rows, columns: 1)
        let inverse = engine.workspace.matrix(rows: x.rows, columns: 1)
        engine.layerNorm(x, weight: weight.row, bias: bias.row, epsilon: epsilon, into: y, mean: mean, inverse: inverse)
        return (y, NormStatistics(mean: mean, inverse: inverse))
    }

    package func backward(
        _ x: Matrix<R>, _ statistics: NormStatistics<R>, gradient: Matrix<R>, addingTo inputGradient: Matrix<R>,
        _ engine: Engine<R>
    ) {
        guard let mean = statistics.mean else { preconditionFailure("statistics of another norm") }
        engine.layerNormBackward(
            x, weight: weight.row, mean: mean, inverse: statistics.inverse, gradient: gradient, into: inputGradient,
            weightGradient: weight.trained?.gradient, biasGradient: bias.trained?.gradient)
    }
}
