package import Kernels

/// A linear layer of the base: y = x·Wᵀ + b, W [out, in]; or y = x·W + b, W [in, out], where it `isTransposed`, as in GPT-2.
package struct Linear<R: Real>: Sendable {
    /// The module's path, such as `model.layers.0.self_attn.q_proj`.
    package let path: String
    package let weight: BaseParameter<R>
    package let bias: BaseParameter<R>?
    package let isTransposed: Bool

    package init(
        path: String, weight: BaseParameter<R>, bias: BaseParameter<R>? = nil, isTransposed: Bool = false
    ) {
        self.path = path
        self.weight = weight
        self.bias = bias
        self.isTransposed = isTransposed
    }

    package var inputs: Int { isTransposed ? weight.weight.rows : weight.weight.columns }
    package var outputs: Int { isTransposed ? weight.weight.columns : weight.weight.rows }
}

/// Linear layers with one input, such as q, k and v of an attention: methods see them together, and so read x once.
///
/// It keeps nothing for backward on its own account: whoever calls gives x again.
package final class Projection<R: Real>: @unchecked Sendable {
    package let linears: [Linear<R>]
    package private(set) var insertions: [any ProjectionInsertion<R>] = []

    package init(_ linears: [Linear<R>]) {
        precondition(!linears.isEmpty && linears.allSatisfy { $0.inputs == linears[0].inputs })
        self.linears = linears
    }

    package var inputs: Int { linears[0].inputs }

    package func insert(_ insertion: any ProjectionInsertion<R>) {
        insertions.append(insertion)
    }

    /// Whether its backward has gradients to find, not only to pass on.
    package var isTrained: Bool {
        linears.contains { $0.weight.isTrained || $0.bias?.isTrained == true }
            || insertions.contains { !$0.parameters.isEmpty }
    }

    /// The outputs for x [tokens, in], each [tokens, out], and what the insertions keep of it. `residual`, for a single
    /// linear, is added last.
    package func forward(
        _ x: Matrix<R>, residual: Matrix<R>? = nil, _ pass: Pass<R>
    ) -> (outputs: [Matrix<R>], saved: Saved<R>) {
        precondition(residual == nil || linears.count == 1)
        let engine = pass.engine
        var saved = Saved<R>()
        let input = changed(x, pass)
        var terms = linears.map { [Term(input, $0.weight.weight, transposed: !$0.isTransposed)] }
        for insertion in insertions {
            for (place, more) in insertion.terms(input, saving: &saved, pass).enumerated() { terms[place] += more }
        }
        let changesOutputs = insertions.contains { $0.changesOutputs }
        let outputs = linears.map { pass.matrix(columns: $0.outputs) }
        for (place, output) in outputs.enumerated() {
            var start = Start<R>.zero
            if !changesOutputs {
                if let residual {
                    start = .matrix(residual)
                } else if let bias = linears[place].bias {
                    start = .row(bias.row)
                }
            }
            if !changesOutputs, residual != nil, let bias = linears[place].bias {
                terms[place].append(Term(engine.ones(x.rows), bias.row))
            }
            engine.multiply(terms[place], from: start, into: output)
        }
        if changesOutputs {
            for insertion in insertions { insertion.rescale(outputs, saving: &saved, pass) }
            for (linear, output) in zip(linears, outputs) {
                if let bias = linear.bias { engine.addRow(bias.row, into: output) }
            }
            for insertion in insertions { insertion.changeOutputs(outputs, saving: &saved, pass) }
            if let residual { engine.add(residual, into: outputs[0]) }
        }
        return (outputs, saved)
    }

    /// Adds to the gradients of what is trained here, and writes that of x into `inputGradient` where it is given. The
    /// gradients of the outputs are used up.
    package func backward(
        input x: Matrix<R>, gradients: [Matrix<R>], saved: Saved<R>, into inputGradient: Matrix<R>?, _ pass: Pass<R>
    ) {
        let engine = pass.engine
        var saved = saved
        let input = changed(x, pass)
        for insertion in insertions.reversed() { insertion.changeOutputsBackward(gradients, saved: saved, pass) }
        for (linear, gradient) in zip(linears, gradients) {
            if let bias = linear.bias?.trained { engine.addColumnSums(of: gradient, into: bias.gradient) }
        }
        for insertion in insertions.reversed() { insertion.rescaleBackward(gradients, saved: saved, pass) }
        for (linear, gradient) in zip(linears, gradients) {
            guard let trained = linear.weight.trained else { continue }
            let term =
                linear.isTransposed
                ? Term(input, transposed: true, gradient) : Term(gradient, transposed: true, input)
            engine.multiply([term], from: .accumulate, into: trained.gradient)
        }
        let changesInput = insertions.contains { $0.changesInput }
        let target = inputGradient ?? (changesInput ? pass.matrix(columns: inputs) : nil)
        var terms =
            target == nil ? [] : zip(gradients, linears).map { Term($0, $1.weight.weight, transposed: $1.isTransposed) }
        for insertion in insertions.reversed() {
            terms += insertion.termsBackward(
                input, gradients: gradients, saved: &saved, needsInputGradient: target != nil, pass)
        }
        guard let target else { return }
        engine.multiply(terms, from: .zero, into: target)
        for insertion in insertions.reversed() {
            insertion.changeInputBackward(x, gradient: target, saved: saved, pass)
        }
    }

    private func changed(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        insertions.reduce(x) { $1.changesInput ? $1.changeInput($0, pass) : $0 }
    }
}
