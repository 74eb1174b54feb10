package import Kernels

/// How heads look at tokens.
package struct AttentionShape: Hashable, Sendable {
    package let heads: Int
    /// Heads of keys and values; each serves `heads / keyHeads` heads of queries (Ainslie et al., GQA, 2023).
    package let keyHeads: Int
    package let headSize: Int
    /// How many tokens back one may look, itself included; nil for all.
    package let window: Int?
    /// Whether no token sees those after it.
    package let isCausal: Bool

    package init(heads: Int, keyHeads: Int, headSize: Int, window: Int? = nil, isCausal: Bool = true) {
        self.heads = heads
        self.keyHeads = keyHeads
        self.headSize = headSize
        self.window = window
        self.isCausal = isCausal
    }

    /// What scores are multiplied with.
    var scale: Double { 1 / Double(headSize).squareRoot() }
}

/// Attention: q, k, v of x, by three layers or by one for all, turned by rotary positions where there are such, and the
/// projection of what the heads found. Methods may let it see more than its tokens.
package final class SelfAttention<R: Real>: @unchecked Sendable {
    /// The module's path, such as `model.layers.0.self_attn`.
    package let path: String
    package let queryKeyValue: Projection<R>
    package let output: Projection<R>
    package let shape: AttentionShape
    private let rotary: RotaryTable<R>?
    private var prefixes: [KeysAndValues<R>] = []
    private var branches: [GatedBranch<R>] = []

    package init(
        path: String, queryKeyValue: Projection<R>, output: Projection<R>, shape: AttentionShape,
        rotary: RotaryTable<R>? = nil
    ) {
        self.path = path
        self.queryKeyValue = queryKeyValue
        self.output = output
        self.shape = shape
        self.rotary = rotary
    }

    /// Puts keys and values in front of every row's own, in one softmax with them. They take the first positions, so that
    /// the row's own come after them, and a window counts them as tokens.
    package func insert(prefix: KeysAndValues<R>) {
        prefixes.append(prefix)
    }

    /// Adds what a branch finds to what the heads find.
    package func insert(branch: GatedBranch<R>) {
        branches.append(branch)
    }
}

extension SelfAttention: SubLayerBody {
    struct Saved: Sendable {
        /// Turned by their positions.
        let query: Matrix<R>
        /// With those of prefixes in front of each segment's own, which are turned.
        let keys: Matrix<R>
        let values: Matrix<R>
        let found: Matrix<R>
        let logSums: Matrix<R>
        let branches: [GatedBranch<R>.Saved]
        let insertions: (queryKeyValue: Layers.Saved<R>, output: Layers.Saved<R>)
    }

    var isTrained: Bool { queryKeyValue.isTrained || output.isTrained || seesMore }

    var canNarrow: Bool { !seesMore }

    private var seesMore: Bool { !prefixes.isEmpty || !branches.isEmpty }

    func forward(_ x: Matrix<R>, residual: Matrix<R>?, _ pass: Pass<R>) -> (Matrix<R>, Saved) {
        let engine = pass.engine
        let (outputs, saved) = queryKeyValue.forward(x, pass)
        let qkv = isFused ? parts(of: outputs[0]) : outputs
        rotate(qkv, inverse: false, pass)
        let (keys, values, pattern) = seen(qkv, pass)
        let query = pass.chosen.map { engine.gather($0, of: qkv[0]) } ?? qkv[0]
        let found = engine.workspace.matrix(rows: query.rows, columns: query.columns)
        let logSums = engine.workspace.matrix(rows: query.rows, columns: shape.heads)
        engine.attention(q: query, k: keys, v: values, pattern, into: found, logSums: logSums)
        let beside = branches.map { $0.forward(qkv[0], shape, pass) }
        let (results, outputSaved) = output.forward(total(found, beside, pass), residual: residual, pass.behind)
        return (
            results[0],
            Saved(
                query: query, keys: keys, values: values, found: found, logSums: logSums, branches: beside,
                insertions: (saved, outputSaved))
        )
    }

    func backward(
        _ x: Matrix<R>, gradient: Matrix<R>, saved: Saved, into inputGradient: Matrix<R>?, _ pass: Pass<R>
    ) {
        let engine = pass.engine
        let behind = pass.behind
        let foundGradient = behind.matrix(columns: shape.heads * shape.headSize)
        output.backward(
            input: total(saved.found, saved.branches, pass), gradients: [output.expendable(gradient, behind)],
            saved: saved.insertions.output, into: foundGradient, behind)
        let needsProjection = inputGradient != nil || queryKeyValue.isTrained
        guard needsProjection || seesMore else { return }
        let pattern = pattern(pass)
        let (keys, values) = (saved.keys, saved.values)
        let queryGradient = behind.matrix(columns: saved.query.columns)
        let keyGradient = engine.workspace.matrix(rows: keys.rows, columns: keys.columns)
        let valueGradient = engine.workspace.matrix(rows: values.rows, columns: values.columns)
        engine.attentionBackward(
            q: saved.query, k: keys, v: values, pattern, o: saved.found, logSums: saved.logSums,
            gradient: foundGradient, intoQ: queryGradient, k: keyGradient, v: valueGradient)
        for (branch, kept) in zip(branches, saved.branches) {
            branch.backward(
                saved.query, shape, saved: kept, gradient: foundGradient, addingTo: queryGradient, pass)
        }
        let gradients = [
            spread(queryGradient, pass), split(keyGradient, prefixes.map(\.keys.gradient), pattern, pass),
            split(valueGradient, prefixes.map(\.values.gradient), pattern, pass),
        ]
        guard needsProjection else { return }
        rotate(gradients, inverse: true, pass)
        queryKeyValue.backward(
            input: x, gradients: isFused ? [joined(gradients, pass)] : gradients,
            saved: saved.insertions.queryKeyValue, into: inputGradient, pass)
    }

    // MARK: One layer for q, k and v

    private var isFused: Bool { queryKeyValue.linears.count == 1 }

    /// Where q, k and v lie beside each other.
    private func parts(of all: Matrix<R>) -> [Matrix<R>] {
        let (size, keys) = (shape.heads * shape.headSize, shape.keyHeads * shape.headSize)
        return [0..<size, size..<size + keys, size + keys..<size + 2 * keys].map { all.columns($0) }
    }

    private func joined(_ gradients: [Matrix<R>], _ pass: Pass<R>) -> Matrix<R> {
        let all = pass.matrix(columns: queryKeyValue.linears[0].outputs)
        for (part, gradient) in zip(parts(of: all), gradients) { part.copy(from: gradient) }
        return all
    }

    private func pattern(_ pass: Pass<R>) -> AttentionPattern {
        AttentionPattern(
            heads: shape.heads, keyHeads: shape.keyHeads, segments: pass.behind.batch.segments,
            keySegments: pass.chosen != nil
                ? pass.batch.segments : prefixes.isEmpty ? nil : pass.keySegments(front: prefixCount, hasOwn: true),
            isCausal: shape.isCausal, window: shape.window, scale: shape.scale)
    }

    private func rotate(_ qkv: [Matrix<R>], inverse: Bool, _ pass: Pass<R>) {
        guard let rotary else { return }
        let first = Int32(prefixCount)
        let positions = first == 0 ? pass.batch.positions : pass.batch.positions.map { $0 + first }
        for (part, heads) in [(qkv[0], shape.heads), (qkv[1], shape.keyHeads)] {
            pass.engine.rotate(part, heads: heads, by: rotary, positions: positions, inverse: inverse)
        }
    }

    /// The gradient of all queries, where only those of the chosen tokens have one.
    private func spread(_ gradient: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        guard let chosen = pass.chosen else { return gradient }
        let all = pass.matrix(columns: gradient.columns)
        all.fill(0)
        pass.engine.scatter(gradient, to: chosen, of: all)
        return all
    }

    // MARK: What it sees besides its tokens

    /// How many keys of methods stand in front of every row's own.
    var prefixCount: Int { prefixes.reduce(0) { $0 + $1.count } }

    /// All keys and values that the batch's tokens may look at: those of prefixes, those that a cache holds, their own.
    private func seen(
        _ qkv: [Matrix<R>], _ pass: Pass<R>
    ) -> (keys: Matrix<R>, values: Matrix<R>, AttentionPattern) {
        var pattern = pattern(pass)
        if let cached = pass.cached {
            let held = cached.cache.append(
                keys: qkv[1], values: qkv[2], after: prefixes, of: self, cached.places, pass.batch)
            pattern.keySegments = held.ranges
            return (held.keys, held.values, pattern)
        }
        return (
            joined(prefixes.map(\.keys.value), qkv[1], pattern, pass),
            joined(prefixes.map(\.values.value), qkv[2], pattern, pass), pattern
        )
    }

    private func joined(
        _ front: [Matrix<R>], _ own: Matrix<R>, _ pattern: AttentionPattern, _ pass: Pass<R>
    ) -> Matrix<R> {
        guard !prefixes.isEmpty, let ranges = pattern.keySegments else { return own }
        return pass.joined(front, own, at: ranges, columns: own.columns)
    }

    /// The gradient of a segment's own.
    private func split(
        _ gradient: Matrix<R>, _ front: [Matrix<R>], _ pattern: AttentionPattern, _ pass: Pass<R>
    ) -> Matrix<R> {
        guard !prefixes.isEmpty, let ranges = pattern.keySegments else { return gradient }
        let own = pass.matrix(columns: gradient.columns)
        pass.split(gradient, at: ranges, addingTo: front, own: own)
        return own
    }

    /// What the heads found, with what branches did.
    private func total(_ found: Matrix<R>, _ beside: [GatedBranch<R>.Saved], _ pass: Pass<R>) -> Matrix<R> {
        guard !beside.isEmpty else { return found }
        let total = pass.matrix(columns: found.columns)
        total.copy(from: found)
        for (branch, saved) in zip(branches, beside) { branch.add(saved, to: total, pass) }
        return total
    }
}

extension Projection {
    /// A gradient that backward may use up: a copy where the insertions change it in place.
    func expendable(_ gradient: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        guard insertions.contains(where: { $0.changesOutputs }) else { return gradient }
        let copy = pass.matrix(columns: gradient.columns)
        copy.copy(from: gradient)
        return copy
    }
}
