import Adapters
import Diagnostics
import Kernels
import Layers
import LinearAlgebra
import Tensors

/// The factors of one linear: A [r, in], B [out, r], and DoRA's magnitude [out].
struct LoRAFactors<R: Real> {
    let linear: Linear<R>
    /// Which linear of its projection.
    let place: Int
    let a: Matrix<R>
    let b: Matrix<R>
    let magnitude: Matrix<R>?
    let scale: R

    /// New ones, as `init_lora_weights` says.
    static func beginning(
        _ linear: Linear<R>, at place: Int, _ plan: InsertionPlan, _ engine: Engine<R>
    ) throws(Failure) -> LoRAFactors {
        plan.parameters["init_lora_weights"]?.string == "pissa"
            ? try LoRAFactors(principal: linear, at: place, plan.parameters, engine)
            : try LoRAFactors(new: linear, at: place, plan, engine)
    }

    /// New ones: B is zero, and A uniform, or normal with `gaussian`.
    private init(new linear: Linear<R>, at place: Int, _ plan: InsertionPlan, _ engine: Engine<R>) throws(Failure) {
        let parameters = plan.parameters
        let rank = try parameters.rank("r", standard: 8, of: linear)
        let random = CounterRandom(seed: plan.seed, name: linear.path)
        let isGaussian = parameters["init_lora_weights"]?.string == "gaussian"
        let bound = 1 / Double(linear.inputs).squareRoot()
        a = Matrix(
            rows: rank, columns: linear.inputs,
            (0..<rank * linear.inputs).map { place in
                R(isGaussian ? random.normal(place) / Double(rank) : Double(random[place]) * bound)
            })
        b = Matrix(rows: linear.outputs, columns: rank)
        magnitude = parameters["use_dora"]?.bool == true ? RowNorms.norms(of: linear, engine) : nil
        scale = R(try LoRAFactors.scale(parameters, linear, a: a))
        self.linear = linear
        self.place = place
    }

    /// Those of the largest singular values of the weight, and zeros where it has fewer.
    private init(
        principal linear: Linear<R>, at place: Int, _ parameters: Parameters, _ engine: Engine<R>
    ) throws(Failure) {
        let rank = try parameters.rank("r", standard: 8, of: linear)
        a = Matrix(rows: rank, columns: linear.inputs)
        b = Matrix(rows: linear.outputs, columns: rank)
        magnitude = nil
        scale = R(try LoRAFactors.scale(parameters, linear, a: a))
        guard scale > 0, parameters["use_dora"]?.bool != true else {
            throw Failure(
                .badParameter, "factors that begin so cannot be trained with these keys", object: "init_lora_weights",
                expected: "a positive lora_alpha, and no use_dora")
        }
        let principal = try PrincipalFactors(of: linear, rank: rank, scale: scale, engine)
        a.rows(0..<principal.a.rows).copy(from: principal.a)
        b.columns(0..<principal.b.columns).copy(from: principal.b)
        self.linear = linear
        self.place = place
    }

    init(_ entry: AdapterEntry, of linear: Linear<R>, at place: Int, _ parameters: Parameters) throws(Failure) {
        guard let a = entry[.a], let b = entry[.b], let rank = a.shape.dimensions.first, entry[.lambda] == nil,
            entry[.bias] == nil, entry.parameters["form"] == nil
        else {
            throw Failure(.kindShape, "this form of LoRA cannot be trained", object: entry.key.target)
        }
        self.a = try Matrix(a, rows: rank, columns: linear.inputs, name: entry.key.target)
        self.b = try Matrix(b, rows: linear.outputs, columns: rank, name: entry.key.target)
        magnitude = try entry[.magnitude].map { source throws(Failure) in
            try Matrix(source, rows: 1, columns: linear.outputs, name: entry.key.target)
        }
        scale = R(try LoRAFactors.scale(parameters, linear, a: self.a))
        self.linear = linear
        self.place = place
    }

    private static func scale(_ parameters: Parameters, _ linear: Linear<R>, a: Matrix<R>) throws(Failure) -> Double {
        let entry = AdapterEntry(
            key: EntryKey(linear.path + ".weight", .lora),
            tensors: [RoleTensor(.a, try TensorBuffer(a, shape: [a.rows, a.columns]))])
        return try Adapter(method: Method.lora.word, parameters: parameters).loraScale(of: entry)
    }
}

extension Parameters {
    /// The rank of a layer's new factors: that of `rank_pattern` if its path is there, else that of `key`.
    ///
    /// Throws ``Failure/Code/badParameter`` for a rank that is greater than either side of the layer.
    func rank<R: Real>(_ key: String, standard: ParameterValue, of linear: Linear<R>) throws(Failure) -> Int {
        let rank = try self["rank_pattern"]?.value(forModule: linear.path) ?? self[key] ?? standard
        guard let rank = rank.int, rank >= 1, rank <= min(linear.inputs, linear.outputs) else {
            throw Failure(
                .badParameter, "the rank does not fit the layer", object: linear.path,
                expected: "1 to \(min(linear.inputs, linear.outputs))", actual: rank.summary)
        }
        return rank
    }
}
