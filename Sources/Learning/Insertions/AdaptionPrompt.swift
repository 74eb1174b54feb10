package import Adapters
package import Diagnostics
package import Kernels
package import Layers
import LinearAlgebra
import Tensors

/// Prompts that the last attentions look at beside their tokens, through a gate that begins at zero:
/// ``Method/adaptionPrompt``.
package struct AdaptionPrompt: TrainableMethod {
    package let word = "adaption-prompt"
    package let method = Method.adaptionPrompt
    package let learningRate = 9e-3
    package let standard: Parameters = ["adapter_len": 10]
    package let kinds: [Kind] = [.gatedPrompt]

    package init() {}

    /// A new prompt is normal, and its gate zero.
    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(["adapter_len", "adapter_layers", "target_modules", "task_type"])
        try sites.checkVirtualTokens(word)
        var inserted = Inserted<R>(tensors: [], parameters: plan.parameters)
        let count = try plan.rowCount("adapter_len")
        let attentions = try chosen(plan.parameters, sites.attentions)
        inserted.parameters["adapter_layers"] = .int(Int64(attentions.count))
        inserted.parameters["target_modules"] = attentions.first.map { .string(lastName(of: $0.path)) }
        for attention in attentions {
            if let bias = attention.output.linears[0].bias {
                throw Failure(
                    .usage, "PEFT would add this bias once more beside a prompt", object: bias.name,
                    hint: "adaption-prompt trains models whose attention has no bias in its output")
            }
            let name = attention.path
            let key = EntryKey(name, .gatedPrompt)
            let width = attention.queryKeyValue.inputs
            let gate = Matrix<R>(rows: 1, columns: 1)
            let prompt: Matrix<R>
            if let entries = plan.entries {
                guard let entry = entries.first(where: { $0.key == key }), let value = entry[.value],
                    let known = entry[.gate]
                else {
                    throw Failure(.kindShape, "the adapter has no prompt for this attention", object: name)
                }
                prompt = try Matrix(value, rows: count, columns: width, name: name)
                gate.copy(from: try Matrix(known, rows: 1, columns: 1, name: name))
            } else {
                prompt = .normal(rows: count, columns: width, CounterRandom(seed: plan.seed, name: name))
            }
            let source = PromptedBranch(
                attention, prompt: Parameter(name: name + ".adaption_prompt", prompt),
                gate: Parameter(name: name + ".adaption_gate", gate))
            attention.insert(branch: source.branch)
            sites.sources.add(source)
            inserted.tensors += [
                TrainedTensor(key, .value, shape: [1, count, width], source.prompt),
                TrainedTensor(key, .gate, shape: [1], source.gate),
            ]
        }
        return inserted
    }

    package func targetPaths(in shapes: ModelShapes) -> [String]? { nil }

    /// The last `adapter_layers` of those that `target_modules` names; all where nothing is said.
    private func chosen<R: Real>(
        _ parameters: Parameters, _ attentions: [SelfAttention<R>]
    ) throws(Failure) -> [SelfAttention<R>] {
        let name = parameters["target_modules"]?.string
        let named = attentions.filter { name == nil || lastName(of: $0.path) == name }
        guard !named.isEmpty else {
            throw Failure(
                .usage, "no attention of the base is this target module", object: name,
                expected: Set(attentions.map { lastName(of: $0.path) }).sorted().joined(separator: ", "))
        }
        let layers = parameters["adapter_layers"]?.int ?? named.count
        guard layers >= 1, layers <= named.count else {
            throw Failure(
                .badParameter, "the base has not so many attentions", object: "adapter_layers",
                expected: "1 to \(named.count)", actual: "\(layers)")
        }
        return named.suffix(layers)
    }

    private func lastName(of path: String) -> String { path.split(separator: ".").last.map(String.init) ?? path }
}

/// Keys and values of a prompt P, by the attention's own layers without what methods insert there: P·W_kᵀ + b_k and P·W_vᵀ + b_v; and the
/// one gate for all heads.
final class PromptedBranch<R: Real>: ParameterSource, @unchecked Sendable {
    /// [n, d].
    let prompt: Parameter<R>
    /// [1, 1].
    let gate: Parameter<R>
    let branch: GatedBranch<R>
    private let made: [(linear: Linear<R>, parameter: Parameter<R>)]

    init(_ attention: SelfAttention<R>, prompt: Parameter<R>, gate: Parameter<R>) {
        self.prompt = prompt
        self.gate = gate
        let linears = attention.queryKeyValue.linears.suffix(2)
        made = linears.map { linear in
            let rows = prompt.value.rows
            return (linear, Parameter(name: linear.path, Matrix(rows: rows, columns: linear.outputs)))
        }
        let heads = Matrix<R>(rows: 1, columns: attention.shape.heads * attention.shape.headSize)
        branch = GatedBranch(
            KeysAndValues(keys: made[0].parameter, values: made[1].parameter),
            gate: Parameter(name: gate.name, heads))
    }

    func make(_ engine: Engine<R>) {
        for (linear, parameter) in made {
            engine.multiply(
                [Term(prompt.value, linear.weight.weight, transposed: true)],
                from: linear.bias.map { .row($0.row) } ?? .zero, into: parameter.value)
        }
        branch.gate.value.fill(gate.value[0, 0])
    }

    func makeBackward(_ engine: Engine<R>) {
        engine.multiply(
            made.map { Term($0.parameter.gradient, $0.linear.weight.weight) }, from: .accumulate,
            into: prompt.gradient)
        for (linear, parameter) in made {
            if let weight = linear.weight.trained {
                engine.multiply(
                    [Term(parameter.gradient, transposed: true, prompt.value)], from: .accumulate,
                    into: weight.gradient)
            }
            if let bias = linear.bias?.trained { engine.addColumnSums(of: parameter.gradient, into: bias.gradient) }
        }
        gate.gradient[0, 0] += branch.gate.gradient.values.reduce(0, +)
        for parameter in made.map(\.parameter) + [branch.gate] { parameter.gradient.fill(0) }
    }
}
