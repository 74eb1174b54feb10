import CKernels

/// How queries see keys.
public struct AttentionPattern: Sendable {
    /// How many heads queries have.
    public var heads: Int
    /// How many heads keys and values have; `heads / keyHeads` heads of queries in turn share one.
    public var keyHeads: Int
    /// The rows of queries of each segment, which sees only itself. Rows of no segment stay as they are.
    public var segments: [Range<Int>]
    /// The rows of keys of each segment, where they are not those of its queries. The last key is then the last query's
    /// own.
    public var keySegments: [Range<Int>]?
    /// Whether a query sees no later key.
    public var isCausal: Bool
    /// How many keys before and with its own a query sees; nil for all.
    public var window: Int?
    /// What scores are multiplied with.
    public var scale: Double

    /// A pattern.
    public init(
        heads: Int, keyHeads: Int, segments: [Range<Int>], keySegments: [Range<Int>]? = nil, isCausal: Bool,
        window: Int? = nil, scale: Double
    ) {
        self.heads = heads
        self.keyHeads = keyHeads
        self.segments = segments
        self.keySegments = keySegments
        self.isCausal = isCausal
        self.window = window
        self.scale = scale
    }
}

extension Engine {
    /// Softmax attention, `o = softmax(scale · q kᵀ) v` for each head and segment, in tiles (Dao et al., 2022): q and o are
    /// [rows, heads · size], k and v [key rows, keyHeads · size]; `logSums`, [rows, heads], are kept for the gradient.
    ///
    /// What a segment comes to does not depend on where it lies.
    public func attention(
        q: Matrix<R>, k: Matrix<R>, v: Matrix<R>, _ pattern: AttentionPattern, into o: Matrix<R>, logSums: Matrix<R>
    ) {
        requireAttention(q, k, v, o, logSums, pattern)
        let heads = pattern.heads
        unsafe forEachWithScratch(pattern.segments.count * heads) { index, scratch in
            var segment = unsafe pattern.segment(index / heads, q, k, v, o, logSums)
            unsafe R.kernels.attention(&segment, index % heads, scratch)
        }
    }

    /// Writes the gradients with respect to q, k and v, given what ``attention(q:k:v:_:into:logSums:)`` wrote and the
    /// gradient of `o`. Scores are computed again.
    public func attentionBackward(
        q: Matrix<R>, k: Matrix<R>, v: Matrix<R>, _ pattern: AttentionPattern, o: Matrix<R>, logSums: Matrix<R>,
        gradient: Matrix<R>, intoQ dq: Matrix<R>, k dk: Matrix<R>, v dv: Matrix<R>
    ) {
        requireAttention(q, k, v, o, logSums, pattern)
        for (x, dx) in [(q, gradient), (q, dq), (k, dk), (v, dv)] { requireSame(x, dx) }
        let keyHeads = pattern.keyHeads
        unsafe forEachWithScratch(pattern.segments.count * keyHeads) { index, scratch in
            let place = index / keyHeads
            var segment = unsafe pattern.segment(place, q, k, v, o, logSums)
            let queries = pattern.segments[place], keys = pattern.keys(place)
            unsafe R.kernels.attention_backward(
                &segment, gradient.rows(queries).view, dq.rows(queries).view, dk.rows(keys).view, dv.rows(keys).view,
                index % keyHeads, scratch)
        }
    }

    private func requireAttention(
        _ q: Matrix<R>, _ k: Matrix<R>, _ v: Matrix<R>, _ o: Matrix<R>, _ logSums: Matrix<R>,
        _ pattern: AttentionPattern
    ) {
        let heads = pattern.heads, keyHeads = pattern.keyHeads
        require(heads > 0 && keyHeads > 0 && heads % keyHeads == 0, "\(heads) heads on \(keyHeads)")
        require(q.columns % heads == 0 && k.columns == q.columns / heads * keyHeads, "q \(q.shape), k \(k.shape)")
        requireSame(q, o)
        requireSame(k, v)
        require(logSums.rows == q.rows && logSums.columns == heads, "sums of \(logSums.shape) for \(q.shape)")
        require(pattern.window.map { $0 > 0 } ?? true, "a window of no key")
        require(
            pattern.keySegments.map { $0.count == pattern.segments.count } ?? true, "segments of queries without keys")
    }
}

extension AttentionPattern {
    fileprivate func keys(_ place: Int) -> Range<Int> { (keySegments ?? segments)[place] }

    fileprivate func segment<R>(
        _ place: Int, _ q: Matrix<R>, _ k: Matrix<R>, _ v: Matrix<R>, _ o: Matrix<R>, _ logSums: Matrix<R>
    ) -> tenon_attention {
        let queries = segments[place], keys = keys(place)
        return unsafe tenon_attention(
            query: q.rows(queries).view, key: k.rows(keys).view, value: v.rows(keys).view, output: o.rows(queries).view,
            log_sums: logSums.rows(queries).view, heads: heads, key_heads: keyHeads, size: q.columns / heads,
            window: window ?? 0, is_causal: isCausal ? 1 : 0, scale: scale)
    }
}
