import Adapters
import Diagnostics
import Kernels
import Layers
import LinearAlgebra
import Tensors

/// The triplets of one linear: singular values E [r], of vectors A [r, in] and B [out, r].
struct Triplets<R: Real>: Sendable {
    let linear: Linear<R>
    /// Which linear of its projection.
    let place: Int
    let a: Parameter<R>
    let b: Parameter<R>
    /// As one row.
    let e: Parameter<R>

    /// New ones: E is zero, and what A and B have is normal with a deviation of 0.02.
    init(new linear: Linear<R>, at place: Int, _ plan: InsertionPlan) throws(Failure) {
        let rank = try plan.parameters.rank("init_r", standard: 12, of: linear)
        func drawn(_ name: String, _ rows: Int, _ columns: Int) -> Matrix<R> {
            let random = CounterRandom(seed: plan.seed, name: linear.path + name)
            return Matrix(rows: rows, columns: columns, (0..<rows * columns).map { R(0.02 * random.normal($0)) })
        }
        self.init(
            linear, place, drawn(".lora_A", rank, linear.inputs), drawn(".lora_B", linear.outputs, rank),
            Matrix(rows: 1, columns: rank))
    }

    init(_ entry: AdapterEntry, of linear: Linear<R>, at place: Int) throws(Failure) {
        let name = entry.key.target
        guard let a = entry[.a], let b = entry[.b], let e = entry[.e], let rank = a.shape.dimensions.first else {
            throw Failure(.kindShape, "this form of AdaLoRA cannot be trained", object: name)
        }
        self.init(
            linear, place, try Matrix(a, rows: rank, columns: linear.inputs, name: name),
            try Matrix(b, rows: linear.outputs, columns: rank, name: name),
            try Matrix(e, rows: 1, columns: rank, name: name))
    }

    private init(_ linear: Linear<R>, _ place: Int, _ a: Matrix<R>, _ b: Matrix<R>, _ e: Matrix<R>) {
        self.linear = linear
        self.place = place
        self.a = Parameter(name: linear.path + ".lora_A", a)
        self.b = Parameter(name: linear.path + ".lora_B", b)
        self.e = Parameter(name: linear.path + ".lora_E", e)
    }

    var rank: Int { e.value.columns }

    var tensors: [TrainedTensor<R>] {
        let key = EntryKey(linear.weight.name, .adalora)
        return [
            TrainedTensor(key, .a, a), TrainedTensor(key, .b, b), TrainedTensor(key, .e, shape: [rank, 1], e),
        ]
    }
}
