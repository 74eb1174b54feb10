package import Architectures
package import Checkpoints
package import Diagnostics
package import Insertions

extension DecoderArchitecture {
    /// The sizes of all that is in it.
    ///
    /// Throws ``Failure/Code/baseIncompatible`` where the base's files are far too small for that: so no size of a hostile
    /// config overflows what is computed of it.
    package func shapes(in base: Checkpoint) throws(Failure) -> ModelShapes {
        let linears = (0..<layers).flatMap { layer in
            let block = block(layer)
            return block.queryKeyValue + [block.output] + block.gateUp + [block.down]
        }
        let tables = Double(tiesEmbeddings ? 1 : 2) * Double(vocabularySize) * Double(hiddenSize)
        let norms = Double(2 * layers + 1) * Double(hiddenSize)
        let count = linears.reduce(tables + norms) { count, linear in
            count + Double(linear.outputs) * Double(linear.inputs) + (linear.hasBias ? Double(linear.outputs) : 0)
        }
        guard count <= 64 * Double(base.totalBytes) else {
            throw Failure(
                .baseIncompatible, "the base is too small for what its config says", path: base.path,
                expected: "\(count) numbers", actual: "\(base.totalBytes) bytes")
        }
        return ModelShapes(
            linears: linears.map {
                ModelShapes.Linear(path: $0.path, outputs: $0.outputs, inputs: $0.inputs, hasBias: $0.hasBias)
            },
            width: hiddenSize, parameterCount: Int(count))
    }
}
