import Adapters
import Diagnostics
import Kernels
import Layers

/// What AdaLoRA does once a step (Zhang et al., 2023): it keeps A and B near orthogonality by a term of the loss, measures
/// which triplets matter, and zeroes the singular values of those that matter least.
final class RankAllocation<R: Real>: StepMoments, @unchecked Sendable {
    /// What is known of one parameter: the averages of |value · gradient|, and of how far that is from its average.
    private struct Averages {
        let importance: Matrix<R>
        let uncertainty: Matrix<R>

        init(_ parameter: Parameter<R>) {
            let value = parameter.value
            importance = Matrix(rows: value.rows, columns: value.columns)
            uncertainty = Matrix(rows: value.rows, columns: value.columns)
        }
    }

    private struct Layer {
        let triplets: Triplets<R>
        let a: Averages
        let b: Averages
        let e: Averages
        /// One for a triplet that is kept, zero for one that was pruned last.
        let mask: Matrix<R>

        init(_ triplets: Triplets<R>) {
            self.triplets = triplets
            a = Averages(triplets.a)
            b = Averages(triplets.b)
            e = Averages(triplets.e)
            mask = Matrix(rows: 1, columns: triplets.rank)
            mask.fill(1)
        }

        var averages: [(Averages, Parameter<R>)] { [(a, triplets.a), (b, triplets.b), (e, triplets.e)] }
    }

    private let layers: [Layer]
    private let schedule: RankSchedule
    private let weight: Double
    private let decay: (importance: R, uncertainty: R)

    /// Throws ``Failure/Code/badParameter`` for a decay that is not between 0 and 1, or a negative weight.
    init(_ triplets: [Triplets<R>], _ schedule: RankSchedule, _ parameters: Parameters) throws(Failure) {
        layers = triplets.map(Layer.init)
        self.schedule = schedule
        weight = parameters["orth_reg_weight"]?.double ?? 0.5
        let decays = (parameters["beta1"]?.double ?? 0.85, parameters["beta2"]?.double ?? 0.85)
        guard weight >= 0, decays.0 > 0, decays.0 < 1, decays.1 > 0, decays.1 < 1 else {
            throw Failure(
                .badParameter, "AdaLoRA cannot train so", object: "orth_reg_weight, beta1, beta2",
                expected: "a weight of at least 0, and betas between 0 and 1")
        }
        decay = (R(decays.0), R(decays.1))
    }

    var state: [Matrix<R>] {
        layers.flatMap { layer in layer.averages.flatMap { [$0.0.importance, $0.0.uncertainty] } + [layer.mask] }
    }

    // MARK: Orthogonality

    /// w · mean(‖A·Aᵀ − I‖, ‖Bᵀ·B − I‖) over all factors, with Frobenius's norm.
    func addLoss(_ engine: Engine<R>) -> Double {
        let share = weight / Double(2 * max(1, layers.count))
        guard share > 0 else { return 0 }
        var sum = 0.0
        for layer in layers {
            let (a, b) = (layer.triplets.a, layer.triplets.b)
            sum += distance(engine, share, layer.triplets.rank, Term(a.value, a.value, transposed: true)) { inner in
                engine.multiply(Term(inner, a.value), from: .accumulate, into: a.gradient)
            }
            sum += distance(engine, share, layer.triplets.rank, Term(b.value, transposed: true, b.value)) { inner in
                engine.multiply(Term(b.value, inner), from: .accumulate, into: b.gradient)
            }
        }
        return share * sum
    }

    /// ‖C − I‖ for the product C; `add` is given 2·share·(C − I)/‖C − I‖.
    private func distance(
        _ engine: Engine<R>, _ share: Double, _ rank: Int, _ product: Term<R>, _ add: (Matrix<R>) -> Void
    ) -> Double {
        let inner = Matrix<R>(rows: rank, columns: rank)
        engine.multiply(product, into: inner)
        for k in 0..<inner.rows { inner[k, k] -= 1 }
        let norm = engine.squaredNorm(inner).squareRoot()
        guard norm > 0 else { return 0 }
        engine.scale(inner, by: R(2 * share / norm))
        add(inner)
        return norm
    }

    // MARK: Pruning

    func parametersChanged(inStep step: Int) {
        switch schedule.phase(step) {
        case .measuring: measure()
        case .pruning(let kept):
            measure()
            choose(kept)
            zero()
        case .choosing(let kept):
            choose(kept)
            for (averages, _) in layers.flatMap(\.averages) {
                averages.importance.fill(0)
                averages.uncertainty.fill(0)
            }
            zero()
        case .keeping: zero()
        }
    }

    private func measure() {
        let (first, second) = decay
        for (averages, parameter) in layers.flatMap(\.averages) {
            for row in 0..<parameter.value.rows {
                unsafe parameter.value.withRow(row) { value in
                    unsafe parameter.gradient.withRow(row) { gradient in
                        unsafe averages.importance.withRow(row) { importance in
                            unsafe averages.uncertainty.withRow(row) { uncertainty in
                                for k in value.indices {
                                    let now = unsafe abs(value[k] * gradient[k])
                                    let mean = unsafe first * importance[k] + (1 - first) * now
                                    unsafe importance[k] = mean
                                    unsafe uncertainty[k] = second * uncertainty[k] + (1 - second) * abs(now - mean)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Masks the triplets that matter least, and those that matter as little as the last of them.
    private func choose(_ kept: Int) {
        let scores = layers.map(scores)
        let ranked = scores.joined().sorted()
        guard kept < ranked.count else { return }
        let threshold = ranked[ranked.count - max(0, kept) - 1]
        for (layer, scores) in zip(layers, scores) {
            for (k, score) in scores.enumerated() { layer.mask[0, k] = score > threshold ? 1 : 0 }
        }
    }

    /// Of each triplet: what its value scores, and the means of what its vectors do.
    private func scores(_ layer: Layer) -> [Double] {
        func products(_ averages: Averages) -> [Double] {
            zip(averages.importance.values, averages.uncertainty.values).map { Double($0 * $1) }
        }
        let (a, b, e) = (products(layer.a), products(layer.b), products(layer.e))
        let (rank, inputs, outputs) = (layer.triplets.rank, layer.triplets.linear.inputs, layer.triplets.linear.outputs)
        return (0..<rank).map { k in
            let ofA = a[k * inputs..<(k + 1) * inputs].reduce(0, +) / Double(inputs)
            let ofB = (0..<outputs).reduce(0) { $0 + b[$1 * rank + k] } / Double(outputs)
            return e[k] + ofA + ofB
        }
    }

    private func zero() {
        for layer in layers {
            for k in 0..<layer.triplets.rank where layer.mask[0, k] == 0 { layer.triplets.e.value[0, k] = 0 }
        }
    }
}
