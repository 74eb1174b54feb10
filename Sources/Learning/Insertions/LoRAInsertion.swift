import Adapters
import Kernels
import Layers
import LinearAlgebra
import Tensors

/// LoRA at linears with one input: U = s·x·Aᵀ for all their factors in one pass over x, then y += U·Bᵀ.
final class LoRAInsertion<R: Real>: ProjectionInsertion, @unchecked Sendable {
    private struct Part {
        let linear: Linear<R>
        let place: Int
        /// Its rows of the stack.
        let rows: Range<Int>
        let b: Parameter<R>
        let magnitude: Parameter<R>?
        let scale: R
        /// ‖W + s·B·A‖ of each row, of the factors as they are now; nil until it is asked for.
        var norms: Matrix<R>?
    }

    /// The As of all linears, one below the other.
    private let stack: Parameter<R>
    /// s of each row of the stack.
    private let scales: Matrix<R>
    private var parts: [Part] = []
    private let linearCount: Int
    private let dropout: R
    private let name: String
    private let engine: Engine<R>
    private(set) var tensors: [TrainedTensor<R>] = []

    init(_ projection: Projection<R>, _ factors: [LoRAFactors<R>], dropout: Double, _ engine: Engine<R>) {
        let rank = factors.reduce(0) { $0 + $1.a.rows }
        let a = Matrix<R>(rows: rank, columns: projection.inputs)
        name = projection.linears[0].path
        stack = Parameter(name: name + ".lora_A", a)
        scales = Matrix(rows: 1, columns: rank)
        linearCount = projection.linears.count
        self.dropout = R(dropout)
        self.engine = engine
        var row = 0
        for factor in factors {
            let path = factor.linear.path
            let rows = row..<row + factor.a.rows
            row = rows.upperBound
            a.rows(rows).copy(from: factor.a)
            scales.columns(rows).fill(factor.scale)
            let part = Part(
                linear: factor.linear, place: factor.place, rows: rows,
                b: Parameter(name: path + ".lora_B", factor.b),
                magnitude: factor.magnitude.map { Parameter(name: path + ".lora_magnitude_vector", $0) },
                scale: factor.scale)
            let key = EntryKey(factor.linear.weight.name, .lora)
            let ownA = Parameter(name: path + ".lora_A", a.rows(rows), gradient: stack.gradient.rows(rows))
            tensors.append(TrainedTensor(key, .a, ownA))
            tensors.append(TrainedTensor(key, .b, part.b))
            if let magnitude = part.magnitude {
                tensors.append(TrainedTensor(key, .magnitude, shape: [magnitude.value.columns], magnitude))
            }
            parts.append(part)
        }
    }

    var parameters: [Parameter<R>] { tensors.map(\.parameter) }
    var changesOutputs: Bool { parts.contains { $0.magnitude != nil } }

    /// Keeps U.
    func terms(_ x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) -> [[Term<R>]] {
        let u = pass.matrix(columns: stack.value.rows)
        pass.engine.multiply(Term(dropped(x, pass), stack.value, transposed: true), into: u)
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
            [Term(uGradient, transposed: true, dropped(x, pass))], from: .accumulate, into: stack.gradient)
        guard needsInputGradient else { return [] }
        if !drops(pass) { return [Term(uGradient, stack.value)] }
        saved[self].append(uGradient)
        return []
    }

    /// What reaches x through dropout, which drops the same places again.
    func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Saved<R>, _ pass: Pass<R>) {
        guard drops(pass), let uGradient = saved[self].last else { return }
        let through = pass.matrix(columns: x.columns)
        pass.engine.multiply(Term(uGradient, stack.value), into: through)
        pass.engine.add(dropped(through, pass), into: gradient)
    }

    // MARK: Dropout

    private func drops(_ pass: Pass<R>) -> Bool { dropout > 0 && pass.dropoutKey != nil }

    private func dropped(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        guard drops(pass), let key = pass.dropoutKey else { return x }
        let kept = pass.matrix(columns: x.columns)
        pass.engine.dropout(
            x, rate: dropout, key: CounterRandom.key(key, name), firstPlace: pass.batch.firstToken * x.columns,
            into: kept)
        return kept
    }

    // MARK: DoRA

    /// p ⊙ m/n: keeps p/n, which the magnitude's gradient is a sum over.
    func rescale(_ products: [Matrix<R>], saving saved: inout Saved<R>, _ pass: Pass<R>) {
        for index in parts.indices {
            guard let magnitude = parts[index].magnitude else { continue }
            let product = products[parts[index].place]
            pass.engine.scaleColumns(product, by: inverseNorms(index), into: product)
            let unit = pass.matrix(columns: product.columns)
            unit.copy(from: product)
            saved[self].append(unit)
            pass.engine.scaleColumns(product, by: magnitude.value, into: product)
        }
    }

    /// The norm counts as a constant, as in the paper (section 4.3).
    func rescaleBackward(_ gradients: [Matrix<R>], saved: Saved<R>, _ pass: Pass<R>) {
        var place = 1
        for index in parts.indices {
            guard let magnitude = parts[index].magnitude else { continue }
            let gradient = gradients[parts[index].place]
            pass.engine.addColumnSums(of: gradient, times: saved[self][place], into: magnitude.gradient)
            pass.engine.scaleColumns(gradient, by: magnitude.value, into: gradient)
            pass.engine.scaleColumns(gradient, by: inverseNorms(index), into: gradient)
            place += 1
        }
    }

    func parametersChanged() {
        for index in parts.indices { parts[index].norms = nil }
    }

    /// 1/‖W_j + s·B_j·A‖, from ‖W_j‖² + 2s·B_j·(A·W_jᵀ) + s²·B_j·(A·Aᵀ)·B_jᵀ: no matrix of the size of W is made.
    private func inverseNorms(_ index: Int) -> Matrix<R> {
        let part = parts[index]
        if let norms = part.norms { return norms }
        let norms = RowNorms.inverse(
            of: part.linear.weight.weight, plus: part.scale, part.b.value, stack.value.rows(part.rows), engine)
        parts[index].norms = norms
        return norms
    }
}
