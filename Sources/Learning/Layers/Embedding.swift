package import Kernels

/// What models with learned positions add to the vectors of tokens.
package struct EmbeddingAdditions<R: Real>: Sendable {
    /// [positions, d].
    package let positions: BaseParameter<R>
    /// The row of that table which the first token of a row has.
    package let firstPosition: Int32
    /// [types, d]; nil where a model does not tell parts of a row apart.
    package let types: BaseParameter<R>?
    /// What comes after the sum, if anything.
    package let norm: (any Norm<R>)?

    package init(
        positions: BaseParameter<R>, firstPosition: Int32 = 0, types: BaseParameter<R>? = nil,
        norm: (any Norm<R>)? = nil
    ) {
        self.positions = positions
        self.firstPosition = firstPosition
        self.types = types
        self.norm = norm
    }

    fileprivate var isTrained: Bool { positions.isTrained || types?.isTrained == true || norm?.isTrained == true }

    /// The tables with the rows that a batch's tokens take of them.
    fileprivate func rows(of batch: Batch) -> [(table: BaseParameter<R>, rows: [Int32])] {
        var rows = [(positions, batch.positions.map { $0 + firstPosition })]
        if let types {
            rows.append((types, batch.types.isEmpty ? [Int32](repeating: 0, count: batch.count) : batch.types))
        }
        return rows
    }
}

/// The vectors of tokens: a table's rows, with what is added to them, and before each row of tokens the vectors that methods
/// put there.
package final class Embedding<R: Real>: @unchecked Sendable {
    /// [vocabulary, d].
    package let table: BaseParameter<R>
    package private(set) var insertion: (any EmbeddingInsertion<R>)?
    private let additions: EmbeddingAdditions<R>?
    private let isTied: Bool
    /// What tied tables have of gradients from here, until a step's last pass is done: summed into those from the head at
    /// once, they would come in an order that depends on how the batch was split.
    private var heldGradient: Matrix<R>?

    /// `isTied` says that the head has the same table.
    package init(table: BaseParameter<R>, additions: EmbeddingAdditions<R>? = nil, isTied: Bool = false) {
        self.table = table
        self.additions = additions
        self.isTied = isTied
    }

    package func insert(_ insertion: any EmbeddingInsertion<R>) {
        self.insertion = insertion
    }

    package var isTrained: Bool {
        table.isTrained || insertion?.parameters.isEmpty == false || additions?.isTrained == true
    }

    /// The vectors of the batch's tokens [tokens, d]. With a tape, backward reads `gradient`, which is theirs by then.
    package func forward(gradient: Matrix<R>?, _ pass: Pass<R>) -> Matrix<R> {
        let engine = pass.engine
        let x = pass.matrix(columns: table.weight.columns)
        engine.embed(pass.batch.tokens.map { max($0, 0) }, table: table.weight, into: x)
        insertion?.fill(x, pass)
        for (table, rows) in additions?.rows(of: pass.batch) ?? [] {
            let added = pass.matrix(columns: x.columns)
            engine.embed(rows, table: table.weight, into: added)
            engine.add(added, into: x)
        }
        let (normed, statistics) = additions?.norm.map { $0.forward(x, engine) } ?? (x, nil)
        if let gradient, isTrained {
            pass.tape?.record { [self] in
                let gradient = gradientOfSum(x, statistics, gradient: gradient, pass)
                for (table, rows) in additions?.rows(of: pass.batch) ?? [] {
                    guard let trained = table.trained else { continue }
                    engine.embedBackward(rows, gradient: gradient, into: trained.gradient)
                }
                if let table = table.trained {
                    let real = pass.batch.tokens.indices.filter { pass.batch.tokens[$0] != Batch.virtualToken }
                    engine.embedBackward(
                        real.map { pass.batch.tokens[$0] }, gradient: engine.gather(real, of: gradient),
                        into: tableGradient(table))
                }
                insertion?.fillBackward(gradient, pass)
            }
        }
        return normed
    }

    /// What the gradient of a norm's output means for the sum that it was given.
    private func gradientOfSum(
        _ x: Matrix<R>, _ statistics: NormStatistics<R>?, gradient: Matrix<R>, _ pass: Pass<R>
    ) -> Matrix<R> {
        guard let norm = additions?.norm, let statistics else { return gradient }
        let inward = pass.matrix(columns: gradient.columns)
        inward.fill(0)
        norm.backward(x, statistics, gradient: gradient, addingTo: inward, pass.engine)
        return inward
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
