package import Adapters
package import Diagnostics
package import Kernels
package import Layers
import Tensors

/// A vector for each adapted linear that scales its outputs, or its inputs where it is of a feed-forward part:
/// ``Method/ia3`` has the formulas.
package struct IA3: TrainableMethod {
    package let word = "ia3"
    package let method = Method.ia3
    package let learningRate = 3e-3
    package let standard: Parameters = [
        "target_modules": .list(["k_proj", "v_proj", "down_proj"]), "feedforward_modules": .list(["down_proj"]),
    ]
    package let kinds: [Kind] = [.ia3]

    package init() {}

    /// Where the model has no layers of these names, those of its own kind.
    package func standard(in shapes: ModelShapes) -> Parameters {
        let targets = standard["target_modules"]?.strings ?? []
        let isThere = targets.contains { name in shapes.linears.contains { $0.path.hasSuffix("." + name) } }
        guard !isThere, let usual = shapes.scaled else { return standard }
        var parameters = standard
        parameters["target_modules"] = .list(usual.targets.map { .string($0) })
        parameters["feedforward_modules"] = .list(usual.feedForward.map { .string($0) })
        return parameters
    }

    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(
            [
                "target_modules", "exclude_modules", "feedforward_modules", "init_ia3_weights", "fan_in_fan_out",
                "task_type",
            ])
        var inserted = Inserted<R>(tensors: [], parameters: plan.parameters)
        let known = try plan.entries.map { entries throws(Failure) in try EntryTable(entries, sites, kind: .ia3) }
        let targets = try TargetModules(plan.parameters)
        let inputs = try TargetModules(plan.parameters, key: "feedforward_modules")
        if known == nil { try targets.check(sites) }
        // PEFT wants those to be targets too.
        if let names = plan.parameters["target_modules"]?.strings,
            let feedforward = plan.parameters["feedforward_modules"]?.strings
        {
            inserted.parameters["feedforward_modules"] = .list(feedforward.filter(names.contains).map { .string($0) })
        }
        var adapted: [Linear<R>] = []
        for projection in sites.projections {
            for (place, linear) in projection.linears.enumerated() {
                guard known.map({ $0[linear] != nil }) ?? targets.contains(linear.path) else { continue }
                adapted.append(linear)
                let scalesInputs = inputs.contains(linear.path)
                if scalesInputs, projection.linears.count > 1 {
                    throw Failure(
                        .badParameter, "the inputs of this layer are another's too", object: linear.path,
                        hint: "of feed-forward modules IA3 scales those whose input is their own, such as down_proj")
                }
                let count = scalesInputs ? linear.inputs : linear.outputs
                let value = Matrix<R>(rows: 1, columns: count)
                value.fill(1)
                if let scale = known?[linear]?[.scale] {
                    value.copy(from: try Matrix(scale, rows: 1, columns: count, name: linear.weight.name))
                }
                let vector = Parameter(name: linear.path + ".ia3_l", value)
                let tensor = TrainedTensor(
                    EntryKey(linear.weight.name, .ia3), .scale, shape: scalesInputs ? [1, count] : [count, 1], vector)
                inserted.insert(
                    IA3Insertion(vector, place: place, scalesInputs: scalesInputs), [tensor], into: projection)
            }
        }
        inserted.parameters = TargetModules.oriented(inserted.parameters, adapted)
        return inserted
    }
}

/// y ⊙ l, or W·(x ⊙ l).
final class IA3Insertion<R: Real>: ProjectionInsertion, @unchecked Sendable {
    private let vector: Parameter<R>
    private let place: Int
    let changesInput: Bool

    init(_ vector: Parameter<R>, place: Int, scalesInputs: Bool) {
        self.vector = vector
        self.place = place
        changesInput = scalesInputs
    }

    var parameters: [Parameter<R>] { [vector] }
    var changesOutputs: Bool { !changesInput }

    func changeInput(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let scaled = pass.matrix(columns: x.columns)
        pass.engine.scaleColumns(x, by: vector.value, into: scaled)
        return scaled
    }

    func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Saved<R>, _ pass: Pass<R>) {
        guard changesInput else { return }
        pass.engine.addColumnSums(of: gradient, times: x, into: vector.gradient)
        pass.engine.scaleColumns(gradient, by: vector.value, into: gradient)
    }

    /// Keeps y as it was.
    func changeOutputs(_ outputs: [Matrix<R>], saving saved: inout Saved<R>, _ pass: Pass<R>) {
        guard !changesInput else { return }
        let output = outputs[place]
        let kept = pass.matrix(columns: output.columns)
        kept.copy(from: output)
        saved[self] = [kept]
        pass.engine.scaleColumns(output, by: vector.value, into: output)
    }

    func changeOutputsBackward(_ gradients: [Matrix<R>], saved: Saved<R>, _ pass: Pass<R>) {
        guard !changesInput else { return }
        pass.engine.addColumnSums(of: gradients[place], times: saved[self][0], into: vector.gradient)
        pass.engine.scaleColumns(gradients[place], by: vector.value, into: gradients[place])
    }
}
