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
        let blocks = (0..<sizes.layers).map(sizes.block)
        let projections = blocks.flatMap { [$0.queryKeyValue, [$0.output], $0.gateUp, [$0.down]] }
        let tables = Double(sizes.tiesEmbeddings ? 1 : 2) * Double(sizes.vocabularySize) * Double(sizes.hiddenSize)
        let norms = blocks.flatMap { [$0.attentionNorm, $0.mlpNorm] } + [sizes.norm]
        let count = projections.joined().reduce(tables + Double(norms.count) * Double(sizes.hiddenSize)) {
            count, linear in
            count + Double(linear.outputs) * Double(linear.inputs) + (linear.hasBias ? Double(linear.outputs) : 0)
        }
        guard count <= 64 * Double(base.totalBytes) else {
            throw Failure(
                .baseIncompatible, "the base is too small for what its config says", path: base.path,
                expected: "\(count) numbers", actual: "\(base.totalBytes) bytes")
        }
        return ModelShapes(
            projections: projections.map { linears in
                linears.map {
                    ModelShapes.Linear(path: $0.path, outputs: $0.outputs, inputs: $0.inputs, hasBias: $0.hasBias)
                }
            },
            norms: norms.map { ModelShapes.Norm(path: $0.modulePath, count: sizes.hiddenSize) },
            width: sizes.hiddenSize,
            parameterCount: Int(count))
    }
}

extension NamedShape {
    /// Its name without the last component.
    fileprivate var modulePath: String { name.split(separator: ".").dropLast().joined(separator: ".") }
}
