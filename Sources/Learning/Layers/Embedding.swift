public import Kernels

/// The vectors of tokens: a table's rows, and before each row of tokens the vectors that methods put there.
public final class Embedding<R: Real>: @unchecked Sendable {
    /// [vocabulary, d].
    public let table: BaseParameter<R>
    public private(set) var insertion: (any EmbeddingInsertion<R>)?

    public init(table: BaseParameter<R>) {
        self.table = table
    }

    public func insert(_ insertion: any EmbeddingInsertion<R>) {
        self.insertion = insertion
    }

    public var isTrained: Bool { table.isTrained || insertion?.parameters.isEmpty == false }

    /// The vectors of the batch's tokens [tokens, d]. With a tape, backward reads `gradient`, which is theirs by then.
    public func forward(gradient: Matrix<R>?, _ pass: Pass<R>) -> Matrix<R> {
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
                        into: table.gradient)
                }
                insertion?.fillBackward(gradient, pass)
            }
        }
        return x
    }
}

/// What a method does at the input embeddings: virtual tokens in front of every row.
public protocol EmbeddingInsertion<R>: AnyObject, Sendable {
    associatedtype R: Real

    var parameters: [Parameter<R>] { get }
    /// How many virtual tokens a row begins with.
    var virtualTokens: Int { get }
    /// Writes the vectors of the virtual tokens into x [tokens, d].
    func fill(_ x: Matrix<R>, _ pass: Pass<R>)
    /// Adds to its parameters' gradients, given that of x.
    func fillBackward(_ gradient: Matrix<R>, _ pass: Pass<R>)
}
