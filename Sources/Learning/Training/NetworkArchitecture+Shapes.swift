package import Architectures
package import Checkpoints
package import Diagnostics
package import Insertions
import Tensors

extension NetworkArchitecture {
    /// The sizes of all that is in it.
    ///
    /// Throws ``Failure/Code/baseIncompatible`` where the base's files are far too small for that: so no size of a hostile
    /// config overflows what is computed of it.
    package func shapes(in base: Checkpoint) throws(Failure) -> ModelShapes {
        var count = 0.0
        var (saved, headBiases) = (0, 0)
        var norms: [ModelShapes.Norm] = []
        for module in modules.modules {
            var own = 0.0
            for tensor in module.tensors where !(module.isTied && tensor.name == "weight") {
                var size = 1.0
                for dimension in tensor.dimensions { size *= Double(try dimension.value()) }
                own += size
            }
            count += own
            if !task.isOfClasses, module.part == .head, module.tensors.count == 2 {
                if case .linear(let outputs, _, _) = module.kind { headBiases += outputs }
            }
            if task.isOfClasses, module.part == .head { saved += Int(min(own, 0x1p60)) }
            if module.kind == .norm {
                norms.append(
                    ModelShapes.Norm(path: module.path, count: hiddenSize, hasBias: module.tensors.count == 2))
            }
        }
        guard count <= 64 * Double(base.totalBytes) else {
            throw Failure(
                .baseIncompatible, "the base is too small for what its config says", path: base.path,
                expected: "\(count) numbers", actual: "\(base.totalBytes) bytes")
        }
        return ModelShapes(
            projections: modules.projections.map { linears in
                linears.map {
                    ModelShapes.Linear(path: $0.path, outputs: $0.outputs, inputs: $0.inputs, hasBias: $0.hasBias)
                }
            },
            norms: norms, width: hiddenSize, parameterCount: Int(count), savedCount: saved,
            headBiasCount: headBiases,
            scaled: (modules.defaults.targets(of: "ia3"), modules.defaults.feedForward))
    }

    /// Throws ``Failure/Code/baseIncompatible`` for a base that has a head for another number of answers.
    func checkHead(in base: Checkpoint) throws(Failure) {
        guard task.isOfClasses else { return }
        for module in modules.modules where module.part == .head && module.kind != .norm {
            guard let tensor = base["\(module.path).weight"], let wanted = module.tensors.first?.dimensions else {
                continue
            }
            var dimensions: [Int] = []
            for dimension in wanted { dimensions.append(try dimension.value()) }
            guard tensor.shape.dimensions != dimensions else { continue }
            throw Failure(
                .baseIncompatible, "the base has a head for another number of answers", object: tensor.name,
                path: base.path, expected: "\(dimensions)", actual: "\(tensor.shape)",
                hint: "--new-head makes one; or take the classes that it has: `num_labels` of its config")
        }
    }
}
