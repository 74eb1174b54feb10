import Kernels
import Layers

/// AdaLoRA at linears with one input: y += s·((x·Aᵀ) ⊙ E)·Bᵀ.
final class AdaLoRAInsertion<R: Real>: ProjectionInsertion, @unchecked Sendable {
    private let parts: [Triplets<R>]
    private let linearCount: Int
    private let scale: R
    private let dropout: Dropout<R>

    init(_ projection: Projection<R>, _ parts: [Triplets<R>], scale: R, dropout: Double) {
        self.parts = parts
        self.scale = scale
        linearCount = projection.linears.count
        self.dropout = Dropout(dropout, name: projection.linears[0].path)
    }

    var parameters: [Parameter<R>] { parts.flatMap { [$0.a, $0.b, $0.e] } }

    /// Keeps x·Aᵀ of each part.
    func terms(_ x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) -> [[Term<R>]] {
        let x = dropout(x, pass)
        var terms = [[Term<R>]](repeating: [], count: linearCount)
        var kept: [Matrix<R>] = []
        for part in parts {
            let product = pass.matrix(columns: part.rank)
            pass.engine.multiply(Term(x, part.a.value, transposed: true), into: product)
            kept.append(product)
            terms[part.place] = [Term(scaled(product, part, pass), part.b.value, transposed: true)]
        }
        saved[self] = kept
        return terms
    }

    func termsBackward(
        _ x: Matrix<R>, gradients: [Matrix<R>], saved: inout Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> [Term<R>] {
        let dropped = dropout(x, pass)
        var productGradients: [Matrix<R>] = []
        for (part, product) in zip(parts, saved[self]) {
            let gradient = gradients[part.place]
            pass.engine.multiply(
                [Term(gradient, transposed: true, scaled(product, part, pass))], from: .accumulate,
                into: part.b.gradient)
            let productGradient = pass.matrix(columns: part.rank)
            pass.engine.multiply(Term(gradient, part.b.value), into: productGradient)
            pass.engine.scale(productGradient, by: scale)
            pass.engine.addColumnSums(of: productGradient, times: product, into: part.e.gradient)
            pass.engine.scaleColumns(productGradient, by: part.e.value, into: productGradient)
            pass.engine.multiply(
                [Term(productGradient, transposed: true, dropped)], from: .accumulate, into: part.a.gradient)
            productGradients.append(productGradient)
        }
        guard needsInputGradient else { return [] }
        if !dropout.isActive(pass) { return zip(productGradients, parts).map { Term($0, $1.a.value) } }
        saved[self] = productGradients
        return []
    }

    /// What reaches x through dropout, which drops the same places again.
    func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Saved<R>, _ pass: Pass<R>) {
        guard dropout.isActive(pass) else { return }
        let through = pass.matrix(columns: x.columns)
        pass.engine.multiply(zip(saved[self], parts).map { Term($0, $1.a.value) }, into: through)
        pass.engine.add(dropout(through, pass), into: gradient)
    }

    /// s·(product ⊙ E).
    private func scaled(_ product: Matrix<R>, _ part: Triplets<R>, _ pass: Pass<R>) -> Matrix<R> {
        let scaled = pass.matrix(columns: part.rank)
        pass.engine.scaleColumns(product, by: part.e.value, into: scaled)
        pass.engine.scale(scaled, by: scale)
        return scaled
    }
}
