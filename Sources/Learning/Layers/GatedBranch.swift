package import Kernels

/// A second look at what a method shows: g ⊙ softmax(scale · q·Kᵀ)·V, with a softmax of its own, which is added to what the
/// heads found before the output's projection.
package struct GatedBranch<R: Real>: Sendable {
    package let seen: KeysAndValues<R>
    /// g, [1, heads · head size].
    package let gate: Parameter<R>

    package init(_ seen: KeysAndValues<R>, gate: Parameter<R>) {
        self.seen = seen
        self.gate = gate
    }

    struct Saved: Sendable {
        /// What the heads found, before the gate.
        let found: Matrix<R>
        let logSums: Matrix<R>
    }

    /// Looks with the queries of an attention, which are turned by their positions.
    func forward(_ q: Matrix<R>, _ shape: AttentionShape, _ pass: Pass<R>) -> Saved {
        let found = pass.matrix(columns: q.columns)
        let logSums = pass.matrix(columns: shape.heads)
        let (keys, values, pattern) = spread(shape, pass)
        pass.engine.attention(q: q, k: keys, v: values, pattern, into: found, logSums: logSums)
        return Saved(found: found, logSums: logSums)
    }

    /// Adds g ⊙ what was found to `total`.
    func add(_ saved: Saved, to total: Matrix<R>, _ pass: Pass<R>) {
        let gated = pass.matrix(columns: total.columns)
        pass.engine.scaleColumns(saved.found, by: gate.value, into: gated)
        pass.engine.add(gated, into: total)
    }

    /// Adds to the gradients of gate, keys and values, given that of the sum, and to that of the queries.
    func backward(
        _ q: Matrix<R>, _ shape: AttentionShape, saved: Saved, gradient: Matrix<R>, addingTo queryGradient: Matrix<R>,
        _ pass: Pass<R>
    ) {
        let engine = pass.engine
        engine.addColumnSums(of: gradient, times: saved.found, into: gate.gradient)
        let gated = pass.matrix(columns: gradient.columns)
        engine.scaleColumns(gradient, by: gate.value, into: gated)
        let (keys, values, pattern) = spread(shape, pass)
        let ownGradient = pass.matrix(columns: q.columns)
        let keyGradient = engine.workspace.matrix(rows: keys.rows, columns: keys.columns)
        let valueGradient = engine.workspace.matrix(rows: keys.rows, columns: keys.columns)
        engine.attentionBackward(
            q: q, k: keys, v: values, pattern, o: saved.found, logSums: saved.logSums, gradient: gated,
            intoQ: ownGradient, k: keyGradient, v: valueGradient)
        engine.add(ownGradient, into: queryGradient)
        let ranges = pass.keySegments(front: seen.count, hasOwn: false)
        pass.split(keyGradient, at: ranges, addingTo: [seen.keys.gradient], own: nil)
        pass.split(valueGradient, at: ranges, addingTo: [seen.values.gradient], own: nil)
    }

    /// Keys and values once for each segment, so that each has gradients of its own.
    private func spread(
        _ shape: AttentionShape, _ pass: Pass<R>
    ) -> (keys: Matrix<R>, values: Matrix<R>, AttentionPattern) {
        let ranges = pass.keySegments(front: seen.count, hasOwn: false)
        let columns = seen.keys.value.columns
        return (
            pass.joined([seen.keys.value], nil, at: ranges, columns: columns),
            pass.joined([seen.values.value], nil, at: ranges, columns: columns),
            AttentionPattern(
                heads: shape.heads, keyHeads: shape.keyHeads, segments: pass.batch.segments, keySegments: ranges,
                isCausal: false, scale: shape.scale)
        )
    }
}
