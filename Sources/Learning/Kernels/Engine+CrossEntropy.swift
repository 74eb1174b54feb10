import CKernels

extension Engine {
    /// The negative log likelihoods of labels under `softmax(x · headᵀ + bias)`, summed in fp64, and which labels score
    /// highest: x has one row for each label, the head one for each word, the bias, [1, words], is none where it is nil.
    ///
    /// Gradients are those of `scale` times the sum: `gradient` is written, `headGradient` and `biasGradient` added to. Scores exist for 64
    /// tokens at once. Labels below zero are not allowed; leave their rows out.
    ///
    /// - Parameter sum: What the sum goes on from, so that no bit depends on how tokens are split over calls.
    public func crossEntropy(
        _ x: Matrix<R>, head: Weight<R>, bias: Matrix<R>? = nil, labels: [Int32], scale: R = 1,
        continuing sum: Double = 0, gradient: Matrix<R>? = nil, headGradient: Matrix<R>? = nil,
        biasGradient: Matrix<R>? = nil
    ) -> (lossSum: Double, right: [Bool]) {
        require(labels.count == x.rows && head.columns == x.columns, "\(labels.count) labels, x \(x.shape)")
        require(labels.allSatisfy { $0 >= 0 && Int($0) < head.rows }, "a label beyond \(head.rows) words")
        if let gradient { requireSame(x, gradient) }
        if let headGradient {
            require(headGradient.rows == head.rows && headGradient.columns == head.columns, "the head's gradient")
        }
        for row in [bias, biasGradient] {
            require(row.map { $0.rows == 1 && $0.columns == head.rows } ?? true, "a bias for \(head.rows) words")
        }
        let chunk = ScoreChunk<R>(words: head.rows, tokens: min(x.rows, Int(TENON_SCORE_TOKENS)), workspace)
        var loss = sum
        var right: [Bool] = []
        for first in Swift.stride(from: 0, to: x.rows, by: Int(TENON_SCORE_TOKENS)) {
            let rows = first..<min(first + Int(TENON_SCORE_TOKENS), x.rows), part = x.rows(rows)
            let here = Array(labels[rows])
            var rightHere = [Bool](repeating: false, count: here.count)
            unsafe forEachWithScratch(chunk.blocks) { block, scratch in
                unsafe chunk.with(labels: here) { of in
                    unsafe R.kernels.scores(
                        of, head.operand(isTransposed: false), bias?.view ?? .none, part.view, block, scratch)
                }
            }
            unsafe chunk.with(labels: here) { of in
                unsafe R.kernels.likelihood(of, Double(scale), &loss, &rightHere)
            }
            right += rightHere
            guard gradient != nil || headGradient != nil || biasGradient != nil else { continue }
            forEach(chunk.blocks) { block in
                unsafe chunk.with(labels: here) { of in unsafe R.kernels.scores_backward(of, Double(scale), block) }
            }
            let scores = chunk.scores.columns(0..<rows.count)
            if let gradient { multiply(Term(scores, transposed: true, head), into: gradient.rows(rows)) }
            if let headGradient { multiply(Term(scores, part), from: .accumulate, into: headGradient) }
            if let biasGradient {
                let ones = workspace.matrix(rows: rows.count, columns: 1)
                ones.fill(1)
                multiply(
                    Term(scores, ones), from: .accumulate, into: biasGradient.reshaped(rows: head.rows, columns: 1))
            }
        }
        return (loss, right)
    }
}

/// The scores of some tokens and what is known of them.
private final class ScoreChunk<R: Real>: Sendable {
    let blocks: Int
    let scores: Matrix<R>
    private let highest: Matrix<R>
    private let sum: Matrix<R>
    private let labeled: Matrix<R>
    private let places: Matrix<Float>

    init(words: Int, tokens: Int, _ workspace: Workspace<R>) {
        let width = Int(TENON_SCORE_TOKENS)
        blocks = (words + Int(TENON_SCORE_BLOCK) - 1) / Int(TENON_SCORE_BLOCK)
        scores = workspace.matrix(rows: words, columns: tokens)
        highest = workspace.matrix(rows: blocks, columns: width)
        sum = workspace.matrix(rows: blocks, columns: width)
        labeled = workspace.matrix(rows: 1, columns: width)
        places = Matrix(rows: blocks, columns: width)
    }

    /// Calls `body` with what C is told of as many tokens as there are labels.
    func with(labels: [Int32], _ body: (UnsafePointer<tenon_scores>) -> Void) {
        unsafe labels.withUnsafeBufferPointer { labels in
            guard let first = labels.baseAddress, let highest = unsafe highest.view.start,
                let sum = unsafe sum.view.start, let labeled = unsafe labeled.view.start,
                let places = unsafe places.view.start
            else { return }
            var of = unsafe tenon_scores(
                scores: scores.columns(0..<labels.count).view, labels: first, highest: highest,
                place: places.assumingMemoryBound(to: Int32.self), sum: sum, labeled: labeled)
            unsafe body(&of)
        }
    }
}
