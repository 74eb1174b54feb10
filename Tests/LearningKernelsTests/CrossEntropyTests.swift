import Kernels
import Support
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Cross-entropy and embedding") struct CrossEntropyTests {
    @Test("loss is the formula, gradients are slopes", arguments: [(3, 5), (70, 700), (130, 1025)])
    func formula(tokens: Int, words: Int) {
        var random = RepeatableRandom(seed: UInt64(words))
        let x: Matrix<Double> = random.matrix(tokens, 9), head: Matrix<Double> = random.matrix(words, 9)
        let labels = (0..<tokens).map { _ in Int32.random(in: 0..<Int32(words), using: &random) }
        let engine = Engine<Double>(threads: 2)
        let dx: Matrix<Double> = random.matrix(tokens, 9), dhead: Matrix<Double> = random.matrix(words, 9)
        let before = dhead.copied()
        let result = engine.crossEntropy(
            x, head: Weight(head), labels: labels, scale: 0.3, gradient: dx, headGradient: dhead)
        var loss = 0.0, correct = 0
        for token in 0..<tokens {
            let scores = (0..<words).map { word in (0..<9).reduce(0) { $0 + x[token, $1] * head[word, $1] } }
            loss += log(scores.reduce(0) { $0 + exp($1) }) - scores[Int(labels[token])]
            if scores.firstIndex(of: scores.max() ?? 0) == Int(labels[token]) { correct += 1 }
        }
        #expect(abs(result.lossSum - loss) < 1e-12 * loss && result.right.count { $0 } == correct)
        engine.scale(before, by: -1)
        engine.add(before, into: dhead)
        for (place, gradient) in [(x, dx), (head, dhead)] {
            let error = slopeError(place, gradient: gradient, &random) {
                0.3 * engine.crossEntropy(x, head: Weight(head), labels: labels).lossSum
            }
            #expect(error < 1e-7)
        }
    }

    @Test("a bias adds to the scores, and its gradient is a slope", arguments: [(3, 5), (70, 700)])
    func bias(tokens: Int, words: Int) {
        var random = RepeatableRandom(seed: UInt64(words))
        let x: Matrix<Double> = random.matrix(tokens, 9), head: Matrix<Double> = random.matrix(words, 9)
        let bias: Matrix<Double> = random.matrix(1, words)
        let labels = (0..<tokens).map { _ in Int32.random(in: 0..<Int32(words), using: &random) }
        let engine = Engine<Double>(threads: 2)
        // The bias as the weights of one more input, which is 1.
        let wider = Matrix<Double>(rows: tokens, columns: 10), widerHead = Matrix<Double>(rows: words, columns: 10)
        wider.fill(1)
        wider.columns(0..<9).copy(from: x)
        widerHead.columns(0..<9).copy(from: head)
        for word in 0..<words { widerHead[word, 9] = bias[0, word] }
        let expected = engine.crossEntropy(wider, head: Weight(widerHead), labels: labels)
        let dx = Matrix<Double>(rows: tokens, columns: 9), gradient = Matrix<Double>(rows: 1, columns: words)
        let result = engine.crossEntropy(
            x, head: Weight(head), bias: bias, labels: labels, scale: 0.3, gradient: dx, biasGradient: gradient)
        #expect(abs(result.lossSum - expected.lossSum) < 1e-12 * expected.lossSum)
        #expect(result.right == expected.right)
        for (place, gradient) in [(x, dx), (bias, gradient)] {
            let error = slopeError(place, gradient: gradient, &random) {
                0.3 * engine.crossEntropy(x, head: Weight(head), bias: bias, labels: labels).lossSum
            }
            #expect(error < 1e-7)
        }
    }

    @Test("splitting the rows changes no bit but the loss's last")
    func split() {
        var random = RepeatableRandom(seed: 4)
        let x: Matrix<Float> = random.matrix(150, 20), head: Matrix<Float> = random.matrix(600, 20)
        let labels = (0..<150).map { _ in Int32.random(in: 0..<600, using: &random) }
        let dx = Matrix<Float>(rows: 150, columns: 20), parts = dx.copied()
        let dhead = Matrix<Float>(rows: 600, columns: 20), dheadParts = dhead.copied()
        let whole = Engine<Float>(threads: 1).crossEntropy(
            x, head: Weight(head), labels: labels, scale: 0.1, gradient: dx, headGradient: dhead)
        var sum = 0.0, correct = 0
        for rows in [0..<1, 1..<80, 80..<150] {
            let part = Engine<Float>(threads: 2).crossEntropy(
                x.rows(rows), head: Weight(head), labels: Array(labels[rows]), scale: 0.1, gradient: parts.rows(rows),
                headGradient: dheadParts)
            sum += part.lossSum
            correct += part.right.count { $0 }
        }
        #expect(abs(sum - whole.lossSum) < 1e-12 * sum && correct == whole.right.count { $0 })
        #expect(dx.values == parts.values && dhead.values == dheadParts.values)
    }

    @Test("the first of equal scores counts")
    func ties() {
        let zeros = Matrix<Float>(rows: 2, columns: 3), head = Matrix<Float>(rows: 1200, columns: 3)
        let result = Engine<Float>(threads: 1).crossEntropy(zeros, head: Weight(head), labels: [0, 700])
        #expect(result.right.count { $0 } == 1)
        #expect(abs(result.lossSum - 2 * log(1200)) < 1e-6)
    }

    @Test("tokens are looked up, and their gradients go back")
    func embedding() {
        var random = RepeatableRandom(seed: 5)
        let table: Matrix<Double> = random.matrix(7, 33), share: Matrix<Double> = random.matrix(5, 33)
        let tokens: [Int32] = [3, 6, 3, 0, 3], x = Matrix<Double>(rows: 5, columns: 33)
        let engine = Engine<Double>(threads: 2), gradient = Matrix<Double>(rows: 7, columns: 33)
        engine.embed(tokens, table: Weight(table), into: x)
        for (row, token) in tokens.enumerated() {
            #expect(x.rows(row..<row + 1).values == table.rows(Int(token)..<Int(token) + 1).values)
        }
        engine.embedBackward(tokens, gradient: share, into: gradient)
        let error = slopeError(table, gradient: gradient, &random) {
            engine.embed(tokens, table: Weight(table), into: x)
            return x.dot(share)
        }
        #expect(error < 1e-7)
    }
}
