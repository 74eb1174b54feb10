// Fits y = x · wᵀ by AdamW with the library TenonKernels: `swift run -c release FitLine`.
import Kernels

let engine = Engine<Float>(threads: 2)
let x = Matrix<Float>(rows: 4, columns: 2, [0, 1, 1, 0, 1, 1, 2, -1])
let wanted = Matrix<Float>(rows: 4, columns: 1, [3, 2, 5, 1])  // 2 x₀ + 3 x₁
let w = Matrix<Float>(rows: 1, columns: 2)
let first = Matrix<Float>(rows: 1, columns: 2), second = Matrix<Float>(rows: 1, columns: 2)
let difference = Matrix<Float>(rows: 4, columns: 1), gradient = Matrix<Float>(rows: 1, columns: 2)
let options = AdamW(learningRate: 0.1, weightDecay: 0)

engine.scale(wanted, by: -1)
for step in 1...400 {
    engine.multiply(Term(x, w, transposed: true), from: .matrix(wanted), into: difference)
    engine.multiply(Term(difference, transposed: true, x), into: gradient)
    engine.adamW(w, gradient: gradient, first: first, second: second, step: step, options)
}
print("w = \(w.values), expected about [2, 3]")
