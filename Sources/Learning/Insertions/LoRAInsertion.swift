import Adapters
import Kernels
import Layers

/// LoRA at linears with one input: U = s·x·Aᵀ for all their factors in one pass over x, then y += U·Bᵀ.
final class LoRAInsertion<R: Real>: ProjectionInsertion, @unchecked Sendable {
    private struct Part {
        let place: Int
        /// Its rows of the stack.
        let rows: Range<Int>
        let b: Parameter<R>
    }

    /// The As of all linears, one below the other.
    private let stack: Parameter<R>
    /// s of each row of the stack.
    private let scales: Matrix<R>
    private var parts: [Part] = []
    private let linearCount: Int
    private let dropout: Dropout<R>
    private(set) var tensors: [TrainedTensor<R>] = []

    init(_ projection: Projection<R>, _ factors: [LoRAFactors<R>], dropout: Double) {
        let rank = factors.reduce(0) { $0 + $1.a.rows }
        let a = Matrix<R>(rows: rank, columns: projection.inputs)
        let name = projection.linears[0].path
        stack = Parameter(name: name + ".lora_A", a)
        scales = Matrix(rows: 1, columns: rank)
        linearCount = projection.linears.count
        self.dropout = Dropout(dropout, name: name)
        var row = 0
        for factor in factors {
            let path = factor.linear.path
            let rows = row..<row + factor.a.rows
            row = rows.upperBound
            a.rows(rows).copy(from: factor.a)
            scales.columns(rows).fill(factor.scale)
            let part = Part(place: factor.place, rows: rows, b: Parameter(name: path + ".lora_B", factor.b))
            let key = EntryKey(factor.linear.weight.name, .lora)
            let ownA = Parameter(name: path + ".lora_A", a.rows(rows), gradient: stack.gradient.rows(rows))
            tensors.append(TrainedTensor(key, .a, ownA))
            tensors.append(TrainedTensor(key, .b, part.b))
            parts.append(part)
        }
    }

    var parameters: [Parameter<R>] { tensors.map(\.parameter) }

    /// A and B of each part as they are trained.
    var factors: [(a: Matrix<R>, b: Matrix<R>)] {
        parts.map { (stack.value.rows($0.rows), $0.b.value) }
    }

    /// Keeps U.
    func terms(_ x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) -> [[Term<R>]] {
        let u = pass.matrix(columns: stack.value.rows)
        pass.engine.multiply(Term(dropout(x, pass), stack.value, transposed: true), into: u)
        pass.engine.scaleColumns(u, by: scales, into: u)
        saved[self] = [u]
        var terms = [[Term<R>]](repeating: [], count: linearCount)
        for part in parts { terms[part.place] = [Term(u.columns(part.rows), part.b.value, transposed: true)] }
        return terms
    }

    func termsBackward(
        _ x: Matrix<R>, gradients: [Matrix<R>], saved: inout Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> [Term<R>] {
        let u = saved[self][0]
        let uGradient = pass.matrix(columns: u.columns)
        for part in parts {
            let gradient = gradients[part.place]
            pass.engine.multiply(
                [Term(gradient, transposed: true, u.columns(part.rows))], from: .accumulate, into: part.b.gradient)
            pass.engine.multiply(Term(gradient, part.b.value), into: uGradient.columns(part.rows))
        }
        pass.engine.scaleColumns(uGradient, by: scales, into: uGradient)
        pass.engine.multiply(
            [Term(uGradient, transposed: true, dropout(x, pass))], from: .accumulate, into: stack.gradient)
        guard needsInputGradient else { return [] }
        if !dropout.isActive(pass) { return [Term(uGradient, stack.value)] }
        saved[self] = [uGradient]
        return []
    }

    /// What reaches x through dropout, which drops the same places again.
    func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Saved<R>, _ pass: Pass<R>) {
        guard dropout.isActive(pass), let uGradient = saved[self].first else { return }
        let through = pass.matrix(columns: x.columns)
        pass.engine.multiply(Term(uGradient, stack.value), into: through)
        pass.engine.add(dropout(through, pass), into: gradient)
    }
}
