import Diagnostics
import LinearAlgebra
import Parallelism
import Support
import Testing

@Suite("Subspace iteration")
struct SubspaceIterationTests {
    private func approximation(
        _ matrix: ArrayRows, rank: Int, lanes: Int = 2, cacheBytes: Int = 1 << 24
    ) throws -> Approximation {
        try SubspaceIteration(
            TiledMatrix(matrix, cacheBytes: cacheBytes), random: CounterRandom(seed: 1, name: "w"),
            lanes: Lanes(count: lanes)
        ).approximate(rank: rank)
    }

    /// ‖D − Σ σ·u·vᵀ‖², element by element.
    private func squaredDistance(_ matrix: ArrayRows, _ found: Approximation) -> Double {
        var sum = 0.0
        for row in 0..<matrix.rows {
            for column in 0..<matrix.columns {
                var rest = Double(matrix.values[row * matrix.columns + column])
                for (k, value) in found.values.enumerated() {
                    rest -= value * Double(found.left[row, k]) * Double(found.right[column, k])
                }
                sum += rest * rest
            }
        }
        return sum
    }

    @Test(
        "a slow spectrum comes within one percent of the exact error",
        arguments: [(150, 170), (171, 90), (37, 300)], [8, 16])
    func slowSpectrum(shape: (Int, Int), rank: Int) throws {
        let matrix = ArrayRows(
            rows: shape.0, columns: shape.1, values: (1...80).map { 1 / Double($0).squareRoot() }, seed: 3)
        let exact = matrix.singularValues()
        let found = try approximation(matrix, rank: rank)
        #expect(found.values.count == rank)
        let best = exact.dropFirst(rank).reduce(0) { $0 + $1 * $1 }
        let tail = found.tail(after: rank)
        #expect(tail >= best * (1 - 1e-5) && tail.squareRoot() <= best.squareRoot() * 1.01)
        #expect((squaredDistance(matrix, found) / tail - 1).magnitude < 1e-4)
        for (value, wanted) in zip(found.values, exact).prefix(rank / 2) {
            #expect((value / wanted - 1).magnitude < 0.02)
        }
    }

    @Test(
        "a small matrix is taken exactly, whatever its shape", arguments: [(1, 1), (1, 40), (40, 1), (7, 9), (33, 20)])
    func small(shape: (Int, Int)) throws {
        let matrix = ArrayRows(rows: shape.0, columns: shape.1, values: [5, 1, 0.5, 0.1, 0.02], seed: 4)
        let found = try approximation(matrix, rank: 64)
        #expect(found.isComplete)
        #expect(squaredDistance(matrix, found) < 1e-10 * found.power)
        for (value, wanted) in zip(found.values, matrix.singularValues()) {
            #expect((value - wanted).magnitude < 1e-5 * found.power.squareRoot())
        }
    }

    @Test("values far apart, and ranks below what was asked for, are found")
    func deficient() throws {
        let matrix = ArrayRows(rows: 200, columns: 120, values: [1, 1e-1, 1e-2, 1e-3], seed: 5)
        let found = try approximation(matrix, rank: 16)
        let exact = matrix.singularValues()
        for (value, wanted) in zip(found.values, exact).prefix(4) { #expect((value / wanted - 1).magnitude < 1e-3) }
        #expect(squaredDistance(matrix, found) < 1e-11 * found.power)
        let zero = ArrayRows(rows: 30, columns: 50, [Float](repeating: 0, count: 1500))
        #expect(try approximation(zero, rank: 4).values.isEmpty)
    }

    @Test("the smallest and the largest numbers of fp32 are taken", arguments: [1e-30, 1e30])
    func extremes(size: Double) throws {
        let matrix = ArrayRows(rows: 40, columns: 60, values: [size, size / 2], seed: 6)
        let found = try approximation(matrix, rank: 2)
        #expect((found.tail(after: 2) / found.power).magnitude < 1e-6)
        #expect(found.values.count == 2 && found.values[0] > 0.5 * size && found.values[0] < 2 * size)
    }

    @Test("neither lanes nor memory change a bit")
    func sameBits() throws {
        let matrix = ArrayRows(
            rows: 1100, columns: 70, values: (1...30).map { 1 / Double($0) }, seed: 8)
        // Tests of other modules may limit instruction sets to those without fused operations meanwhile, which changes
        // bits: until they are done, it is tried again.
        let isSame = try (0..<1000).contains { _ in
            let alone = try approximation(matrix, rank: 9, lanes: 1, cacheBytes: 0)
            let many = try approximation(matrix, rank: 9, lanes: 3)
            return alone.values == many.values && alone.power == many.power
                && (0..<9).allSatisfy { k in (0..<70).allSatisfy { alone.right[$0, k] == many.right[$0, k] } }
                && (0..<9).allSatisfy { k in (0..<1100).allSatisfy { alone.left[$0, k] == many.left[$0, k] } }
        }
        #expect(isSame)
    }

    @Test("a later call goes on from what is known")
    func growing() throws {
        let matrix = ArrayRows(rows: 300, columns: 280, values: (1...100).map { 1 / Double($0).squareRoot() }, seed: 9)
        let exact = matrix.singularValues()
        let iteration = SubspaceIteration(
            TiledMatrix(matrix, cacheBytes: 0), random: CounterRandom(seed: 0, name: ""), lanes: Lanes(count: 2))
        for rank in [8, 16, 40] {
            let tail = try iteration.approximate(rank: rank).tail(after: rank)
            let best = exact.dropFirst(rank).reduce(0) { $0 + $1 * $1 }
            #expect(tail.squareRoot() <= best.squareRoot() * 1.01)
        }
    }
}
