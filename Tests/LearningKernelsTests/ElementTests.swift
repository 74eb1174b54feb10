import Kernels
import Support
import Testing

@Suite("Rows and columns") struct ElementTests {
    private let engine = Engine<Double>(threads: 2)

    @Test("sums, scales and squares")
    func arithmetic() {
        var random = RepeatableRandom(seed: 1)
        let x: Matrix<Double> = random.matrix(70, 130), y: Matrix<Double> = random.matrix(70, 130)
        let row: Matrix<Double> = random.matrix(1, 130), column: Matrix<Double> = random.matrix(70, 1)
        let sum = y.copied(), scaled = x.copied(), sums = row.copied(), products = row.copied()
        let squares = Matrix<Double>(rows: 70, columns: 1), wide = Matrix<Double>(rows: 70, columns: 130)
        engine.add(x, into: sum)
        engine.scale(scaled, by: 3)
        #expect(sum.values == zip(x.values, y.values).map { $0 + $1 })
        #expect(scaled.values == x.values.map { $0 * 3 })
        engine.scaleColumns(x, by: row, into: wide)
        #expect((0..<70).allSatisfy { i in (0..<130).allSatisfy { wide[i, $0] == x[i, $0] * row[0, $0] } })
        engine.scaleRows(x, by: column, into: wide)
        #expect((0..<70).allSatisfy { i in (0..<130).allSatisfy { wide[i, $0] == x[i, $0] * column[i, 0] } })
        engine.addColumnSums(of: x, into: sums)
        engine.addColumnSums(of: x, times: y, into: products)
        for j in 0..<130 {
            #expect(sums[0, j] == (0..<70).reduce(row[0, j]) { $0 + x[$1, j] })
            #expect(products[0, j] == (0..<70).reduce(row[0, j]) { $0.addingProduct(x[$1, j], y[$1, j]) })
        }
        engine.rowSquares(Weight(x), into: squares)
        let total = squares.values.reduce(0, +)
        #expect((0..<70).allSatisfy { abs(squares[$0, 0] - x.rows($0..<$0 + 1).dot(x.rows($0..<$0 + 1))) < 1e-12 })
        #expect(abs(engine.squaredNorm(x) - total) < 1e-11)
    }

    @Test("dropout keeps about its share, by place and key alone")
    func dropout() {
        let ones = Matrix<Float>(rows: 100, columns: 100), all = ones.copied(), part = ones.copied()
        ones.fill(1)
        let engine = Engine<Float>(threads: 2)
        engine.dropout(ones, rate: 0.25, key: 7, into: all)
        let kept = all.values.filter { $0 != 0 }
        #expect(abs(Double(kept.count) / 10_000 - 0.75) < 0.02 && kept.allSatisfy { $0 == 1 / 0.75 })
        engine.dropout(ones.rows(40..<100), rate: 0.25, key: 7, firstPlace: 4000, into: part.rows(40..<100))
        #expect(part.rows(40..<100).values == all.rows(40..<100).values)
        engine.dropout(ones, rate: 0.25, key: 8, into: part)
        #expect(part.values != all.values)
        engine.dropout(ones, rate: 0, key: 7, into: all)
        #expect(all.values == ones.values)
    }

    @Test("AdamW steps as torch.optim.AdamW does")
    func adamW() {
        // torch 2.13, float64: a parameter [1, −2, 0.5], lr 0.1, weight_decay 0.02, gradients 3p, then p² each step.
        let parameter = Matrix<Double>(rows: 1, columns: 3, [1, -2, 0.5])
        let first = Matrix<Double>(rows: 1, columns: 3), second = Matrix<Double>(rows: 1, columns: 3)
        for step in 1...4 {
            let gradient = Matrix<Double>(
                rows: 1, columns: 3, parameter.values.map { step % 2 == 1 ? 3 * $0 : $0 * $0 })
            engine.adamW(
                parameter, gradient: gradient, first: first, second: second, step: step,
                AdamW(learningRate: 0.1, weightDecay: 0.02))
        }
        let expected: [Double] = [0.6374599840919293, -1.7944497654521676, 0.16975531396382476]
        #expect(zip(parameter.values, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(parameter.values)")
    }

    @Test("memory comes back, views share it")
    func memory() {
        let workspace = Workspace<Float>()
        do {
            let matrix = workspace.matrix(rows: 10, columns: 10)
            matrix.fill(3)
            let view = matrix.rows(2..<4).columns(5..<7)
            view[1, 1] = 9
            #expect(matrix[3, 6] == 9 && view.values == [3, 3, 3, 9])
            #expect(matrix.reshaped(rows: 5, columns: 20)[1, 16] == 9)
        }
        #expect(workspace.matrix(rows: 10, columns: 10)[3, 6] == 9)
        workspace.trim()
    }
}
