package import Kernels

/// The vectors of tokens: a table's rows, and before each row of tokens the vectors that methods put there.
package final class Embedding<R: Real>: @unchecked Sendable {
    /// [vocabulary, d].
    package let table: BaseParameter<R>
    package private(set) var insertion: (any EmbeddingInsertion<R>)?
    private let isTied: Bool
    /// What tied tables have of gradients from here, until a step's last pass is done: summed into those from the head at
    /// once, they would come in an order that depends on how the batch was split.
    private var heldGradient: Matrix<R>?

    /// `isTied` says that the head has the same table.
    package init(table: BaseParameter<R>, isTied: Bool = false) {
        self.table = table
        self.isTied = isTied
    }

    package func insert(_ insertion: any EmbeddingInsertion<R>) {
        self.insertion = insertion
    }

    package var isTrained: Bool { table.isTrained || insertion?.parameters.isEmpty == false }

    /// The vectors of the batch's tokens [tokens, d]. With a tape, backward reads `gradient`, which is theirs by then.
    package func forward(gradient: Matrix<R>?, _ pass: Pass<R>) -> Matrix<R> {
        let engine = pass.engine
        let x = pass.matrix(columns: table.weight.columns)
        engine.embed(pass.batch.tokens.map { max($0, 0) }, table: table.weight, into: x)
        insertion?.fill(x, pass)
        if let gradient, isTrained {
            pass.tape?.record { [self] in
                if let table = table.trained {
                    let real = pass.batch.tokens.indices.filter { pass.batch.tokens[$0] != Batch.virtualToken }
                    engine.embedBackward(
                        real.map { pass.batch.tokens[$0] }, gradient: engine.gather(real, of: gradient),
                        into: tableGradient(table))
                }
                insertion?.fillBackward(gradient, pass)
            }
        }
        return x
    }

    private func tableGradient(_ table: Parameter<R>) -> Matrix<R> {
        guard isTied else { return table.gradient }
        if let heldGradient { return heldGradient }
        let held = Matrix<R>(rows: table.gradient.rows, columns: table.gradient.columns)
        heldGradient = held
        return held
    }

    /// To be called when all passes of a step are done: gradients are whole only then.
    package func finishGradients(_ engine: Engine<R>) {
        guard let table = table.trained, let heldGradient else { return }
        engine.add(heldGradient, into: table.gradient)
        heldGradient.fill(0)
    }
}

/// What a method does at the input embeddings: virtual tokens in front of every row.
package protocol EmbeddingInsertion<R>: AnyObject, Sendable {
    associatedtype R: Real

    var parameters: [Parameter<R>] { get }
    /// How many virtual tokens a row begins with.
    var virtualTokens: Int { get }
    /// Writes the vectors of the virtual tokens into x [tokens, d].
    func fill(_ x: Matrix<R>, _ pass: Pass<R>)
    /// Adds to its parameters' gradients, given that of x.
    func fillBackward(_ gradient: Matrix<R>, _ pass: Pass<R>)
}
