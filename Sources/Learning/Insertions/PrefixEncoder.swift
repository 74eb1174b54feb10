import Kernels
import Layers
import LinearAlgebra

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The MLP that makes a prefix: W₂·tanh(W₁·e + b₁) + b₂ for each of its rows e (Li and Liang, 2021, section 4.3).
final class PrefixEncoder<R: Real>: ParameterSource, @unchecked Sendable {
    /// What it makes.
    let prefix: Parameter<R>
    /// Rows, W₁ [hidden, width], b₁, W₂ [columns, hidden] and b₂, as PEFT draws them and names them.
    let parameters: [Parameter<R>]
    /// tanh(…) [rows, hidden], as it was made last.
    private let inner: Matrix<R>

    init(rows: Int, width: Int, hidden: Int, columns: Int, seed: UInt64, startsAtZero: Bool) {
        func parameter(_ name: String, _ rows: Int, _ columns: Int, inputs: Int?) -> Parameter<R> {
            let random = CounterRandom(seed: seed, name: "prompt_encoder." + name)
            let value: Matrix<R> =
                if let inputs {
                    .uniform(rows: rows, columns: columns, inputs: inputs, random)
                } else {
                    .normal(rows: rows, columns: columns, random)
                }
            return Parameter(name: name, value)
        }
        parameters = [
            parameter("embedding.weight", rows, width, inputs: nil),
            parameter("transform.0.weight", hidden, width, inputs: width),
            parameter("transform.0.bias", 1, hidden, inputs: width),
            parameter("transform.2.weight", columns, hidden, inputs: hidden),
            parameter("transform.2.bias", 1, columns, inputs: hidden),
        ]
        if startsAtZero {
            for parameter in parameters.suffix(2) { parameter.value.fill(0) }
        }
        prefix = Parameter(name: "prompt_embeddings", Matrix(rows: rows, columns: columns))
        inner = Matrix(rows: rows, columns: hidden)
    }

    func make(_ engine: Engine<R>) {
        Self.compute(parameters.map(\.value), inner: inner, into: prefix.value, engine)
    }

    /// What it makes of other values of its parameters.
    func prefix(of values: [Matrix<R>], _ engine: Engine<R>) -> Matrix<R> {
        let made = Matrix<R>(rows: prefix.value.rows, columns: prefix.value.columns)
        Self.compute(values, inner: Matrix(rows: inner.rows, columns: inner.columns), into: made, engine)
        return made
    }

    func makeBackward(_ engine: Engine<R>) {
        let gradient = prefix.gradient
        let (rows, first, second) = (parameters[0], parameters[1], parameters[3])
        engine.multiply([Term(gradient, transposed: true, inner)], from: .accumulate, into: second.gradient)
        engine.addColumnSums(of: gradient, into: parameters[4].gradient)
        let inward = engine.workspace.matrix(rows: inner.rows, columns: inner.columns)
        engine.multiply(Term(gradient, second.value), into: inward)
        let slopes = zip(inward.values, inner.values).map { $0 * (1 - $1 * $1) }
        let outward = Matrix(rows: inner.rows, columns: inner.columns, slopes)
        engine.multiply([Term(outward, transposed: true, rows.value)], from: .accumulate, into: first.gradient)
        engine.addColumnSums(of: outward, into: parameters[2].gradient)
        engine.multiply([Term(outward, first.value)], from: .accumulate, into: rows.gradient)
        gradient.fill(0)
    }

    private static func compute(
        _ values: [Matrix<R>], inner: Matrix<R>, into made: Matrix<R>, _ engine: Engine<R>
    ) {
        engine.multiply([Term(values[0], values[1], transposed: true)], from: .row(values[2]), into: inner)
        inner.copy(from: Matrix(rows: inner.rows, columns: inner.columns, inner.values.map { R(tanh(Double($0))) }))
        engine.multiply([Term(inner, values[3], transposed: true)], from: .row(values[4]), into: made)
    }
}
