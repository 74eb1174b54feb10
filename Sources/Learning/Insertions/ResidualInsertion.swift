import Adapters
import Diagnostics
import Kernels
import Layers
import Tensors

/// What was taken out of weights, and how an adapter puts it back: y −= s·B₀·A₀·x. No weight is copied.
final class ResidualInsertion<R: Real>: ProjectionInsertion, @unchecked Sendable {
    private struct Part {
        let key: EntryKey
        let place: Int
        let a: Matrix<R>
        /// −B₀.
        let b: Matrix<R>
        let scale: R
    }

    private let parts: [Part]
    private let linearCount: Int

    /// Of factors as they begin.
    init(_ factors: [LoRAFactors<R>], of projection: Projection<R>, _ engine: Engine<R>) {
        linearCount = projection.linears.count
        parts = factors.map { factor in
            let a = Matrix<R>(rows: factor.a.rows, columns: factor.a.columns)
            a.copy(from: factor.a)
            let b = Matrix<R>(rows: factor.b.rows, columns: factor.b.columns)
            b.copy(from: factor.b)
            engine.scale(b, by: -1)
            return Part(
                key: EntryKey(factor.linear.weight.name, .lora), place: factor.place, a: a, b: b, scale: factor.scale)
        }
    }

    var parameters: [Parameter<R>] { [] }

    func terms(_ x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) -> [[Term<R>]] {
        var terms = [[Term<R>]](repeating: [], count: linearCount)
        for part in parts {
            let u = pass.matrix(columns: part.a.rows)
            pass.engine.multiply(Term(x, part.a, transposed: true), into: u)
            pass.engine.scale(u, by: part.scale)
            terms[part.place] = [Term(u, part.b, transposed: true)]
        }
        return terms
    }

    func termsBackward(
        _ x: Matrix<R>, gradients: [Matrix<R>], saved: inout Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> [Term<R>] {
        guard needsInputGradient else { return [] }
        return parts.map { part in
            let gradient = pass.matrix(columns: part.a.rows)
            pass.engine.multiply(Term(gradients[part.place], part.b), into: gradient)
            pass.engine.scale(gradient, by: part.scale)
            return Term(gradient, part.a)
        }
    }

    /// The entries of an adapter for the untouched base: [A; A₀] and [B, −B₀], of twice the rank.
    func restore(_ entries: inout [AdapterEntry]) throws(Failure) {
        for part in parts {
            guard let place = entries.firstIndex(where: { $0.key == part.key }), let a = entries[place][.a],
                let b = entries[place][.b]
            else { continue }
            let (rank, inputs, outputs) = (part.a.rows, part.a.columns, part.b.rows)
            let name = part.key.target
            let down = Matrix<R>(rows: 2 * rank, columns: inputs)
            down.rows(0..<rank).copy(from: try Matrix(a, rows: rank, columns: inputs, name: name))
            down.rows(rank..<2 * rank).copy(from: part.a)
            let up = Matrix<R>(rows: outputs, columns: 2 * rank)
            up.columns(0..<rank).copy(from: try Matrix(b, rows: outputs, columns: rank, name: name))
            up.columns(rank..<2 * rank).copy(from: part.b)
            entries[place].tensors = [
                RoleTensor(.a, try TensorBuffer(down, shape: [2 * rank, inputs])),
                RoleTensor(.b, try TensorBuffer(up, shape: [outputs, 2 * rank])),
            ]
        }
    }
}

extension Parameters {
    /// The config of a LoRA of twice the rank whose scale is the same.
    func doublingRanks() -> Parameters {
        var doubled = self
        let factor = self["use_rslora"]?.bool == true ? 2.0.squareRoot() : 2
        func scaled(_ value: ParameterValue?, by factor: Double) -> ParameterValue {
            .number((value?.double ?? 8) * factor)
        }
        func scaled(_ members: [ParameterValue.Member], by factor: Double) -> ParameterValue {
            .map(members.map { .init($0.key, scaled($0.value, by: factor)) })
        }
        doubled["r"] = scaled(self["r"], by: 2)
        doubled["lora_alpha"] = scaled(self["lora_alpha"], by: factor)
        if let pattern = self["rank_pattern"]?.map { doubled["rank_pattern"] = scaled(pattern, by: 2) }
        if let pattern = self["alpha_pattern"]?.map { doubled["alpha_pattern"] = scaled(pattern, by: factor) }
        doubled["init_lora_weights"] = nil
        return doubled
    }
}
