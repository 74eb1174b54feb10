import Kernels
import Support
import Testing

@Suite("Norms") struct NormTests {
    private let engine = Engine<Double>(threads: 2)

    @Test("RMS norm is its formula, and its gradients are slopes", arguments: [1, 15, 16, 67])
    func rms(width: Int) {
        var random = RepeatableRandom(seed: UInt64(width))
        let x: Matrix<Double> = random.matrix(5, width), weight: Matrix<Double> = random.matrix(1, width)
        let share: Matrix<Double> = random.matrix(5, width)
        let y = Matrix<Double>(rows: 5, columns: width), inverse = Matrix<Double>(rows: 5, columns: 1)
        func loss() -> Double {
            engine.rmsNorm(x, weight: weight, epsilon: 1e-3, into: y, inverse: inverse)
            return y.dot(share)
        }
        _ = loss()
        for row in 0..<5 {
            let mean = x.rows(row..<row + 1).dot(x.rows(row..<row + 1)) / Double(width)
            for column in 0..<width {
                let expected = x[row, column] / (mean + 1e-3).squareRoot() * weight[0, column]
                #expect(abs(y[row, column] - expected) < 1e-14)
            }
        }
        let dx: Matrix<Double> = random.matrix(5, width), before = dx.copied()
        let dw = Matrix<Double>(rows: 1, columns: width)
        engine.rmsNormBackward(
            x, weight: weight, inverse: inverse, gradient: share, into: dx, weightGradient: dw)
        engine.scale(before, by: -1)
        engine.add(before, into: dx)
        #expect(slopeError(x, gradient: dx, &random, loss: loss) < 1e-7)
        #expect(slopeError(weight, gradient: dw, &random, loss: loss) < 1e-7)
    }

    @Test("layer norm has rows of mean 0 and variance 1, and its gradients are slopes", arguments: [2, 15, 16, 67])
    func layer(width: Int) {
        var random = RepeatableRandom(seed: UInt64(width))
        let x: Matrix<Double> = random.matrix(5, width), weight: Matrix<Double> = random.matrix(1, width)
        let bias: Matrix<Double> = random.matrix(1, width), share: Matrix<Double> = random.matrix(5, width)
        let y = Matrix<Double>(rows: 5, columns: width)
        let mean = Matrix<Double>(rows: 5, columns: 1), inverse = Matrix<Double>(rows: 5, columns: 1)
        func loss() -> Double {
            engine.layerNorm(x, weight: weight, bias: bias, epsilon: 1e-3, into: y, mean: mean, inverse: inverse)
            return y.dot(share)
        }
        let dx = Matrix<Double>(rows: 5, columns: width)
        let dw = Matrix<Double>(rows: 1, columns: width), db = Matrix<Double>(rows: 1, columns: width)
        _ = loss()
        engine.layerNormBackward(
            x, weight: weight, mean: mean, inverse: inverse, gradient: share, into: dx, weightGradient: dw,
            biasGradient: db)
        for (place, gradient) in [(x, dx), (weight, dw), (bias, db)] {
            #expect(slopeError(place, gradient: gradient, &random, loss: loss) < 1e-7)
        }
        weight.fill(1)
        bias.fill(0)
        _ = loss()
        for row in 0..<5 {
            let values = y.rows(row..<row + 1).values
            let variance = values.reduce(0) { $0 + $1 * $1 } / Double(width)
            #expect(abs(values.reduce(0, +)) < 1e-12)
            #expect(variance < 1 && abs(variance - 1 + 1e-3 * inverse[row, 0] * inverse[row, 0]) < 1e-12)
        }
    }
}
