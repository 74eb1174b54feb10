import Adapters
import DeltaAlgebra
import Tensors
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Shapes that the fixtures do not have, against the formulas as they stand in `Spec/methods.md`.
@Suite struct FormulaTests {
    /// What an entry makes of a weight.
    private func merged(
        _ method: String, _ kind: Kind, _ tensors: [RoleTensor], _ parameters: Parameters = [:],
        entry: Parameters = [:],
        weights: [Float], shape: Shape
    ) throws -> [Float] {
        let entry = AdapterEntry(key: EntryKey("m.weight", kind), parameters: entry, tensors: tensors)
        let adapter = Adapter(method: method, parameters: parameters, entries: [entry])
        let updates = try AdapterUpdates(adapter) { _ in BaseTensor(dtype: .f32, shape: shape) }
        if let refusal = updates.refusals.first { throw refusal.failure }
        var weights = weights
        for update in updates.updates {
            var span = weights.mutableSpan
            switch try update.prepare() {
            case .sum(let sum): try sum.add(rows: 0..<update.rows, to: &span)
            case .map(let map): try map.update(rows: 0..<update.rows, &span)
            case .replace(let source): weights = try floats(of: source)
            }
        }
        return weights
    }

    /// Three stages; computed with PEFT's permutations and dense matrices.
    @Test func butterflyOfThreeStages() throws {
        let values = (0..<192).map { (index: Int) -> Float in
            let number: Int = (7 * index * index + 3 * index) % 11
            return Float(number - 5) / 8
        }
        let weights = (0..<16).map { (index: Int) -> Float in
            let number: Int = 5 * index % 7
            return Float(number - 3) / 2
        }
        let result = try merged(
            "boft", .butterfly,
            [
                RoleTensor(.rotation, KindTests.tensor(values, [3, 4, 4, 4])),
                RoleTensor(.scale, KindTests.tensor([3], [1, 1])),
            ], weights: weights, shape: [1, 16])
        let wanted: [Float] = [
            -0.8469419, -1.0758399, 1.305122, -7.3632194, 4.047758, -1.9259038, 0.4332954, 2.2134312, -0.6068533,
            -5.2454925, -1.184667, 4.2171581, -3.0512202, 1.7722077, 2.766607, -2.2579507,
        ]
        #expect(zip(result, wanted).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    /// Sides of every kind: powers of two, primes, one.
    @Test(arguments: [[8, 16], [7, 12], [13, 11], [1, 9], [6, 1], [5, 86]]) func spectrum(_ sides: [Int]) throws {
        let (rows, columns) = (sides[0], sides[1])
        let places = [0, rows * columns - 1, rows * columns / 2, rows * columns / 3].map { $0 % (rows * columns) }
        let values: [Float] = [1.5, -2, 0.75, 3]
        let result = try merged(
            "fourierft", .spectrum,
            [
                RoleTensor(.spectrum, KindTests.tensor(values, [4])),
                RoleTensor(
                    .indices,
                    try TensorBuffer(
                        dtype: .u16, shape: [4],
                        bytes: places.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })),
            ], ["scaling": 10], weights: [Float](repeating: 0, count: rows * columns), shape: Shape(sides))
        for row in 0..<rows {
            for column in 0..<columns {
                var wanted = 0.0
                for (place, value) in zip(places, values) {
                    let turns =
                        Double(place / columns * row) / Double(rows)
                        + Double(place % columns * column) / Double(columns)
                    wanted += Double(value) * cos(2 * .pi * turns)
                }
                wanted *= 10 / Double(rows * columns)
                #expect(abs(Double(result[row * columns + column]) - wanted) < 1e-6)
            }
        }
    }

    /// A weight that is stored transposed has the same bits, transposed.
    @Test func transposedLowRank() throws {
        let a = (0..<6).map { (index: Int) -> Float in Float(index * 37 % 11) / 7 - 0.6 }
        let b = (0..<10).map { (index: Int) -> Float in Float(index * 29 % 13) / 9 - 0.7 }
        let factors = [
            RoleTensor(.a, try KindTests.tensor(a, [2, 3])), RoleTensor(.b, try KindTests.tensor(b, [5, 2])),
        ]
        let zeros = [Float](repeating: 0, count: 15)
        let straight = try merged("lora", .lora, factors, ["lora_alpha": 3], weights: zeros, shape: [5, 3])
        let turned = try merged("lora", .lora, factors, ["lora_alpha": 3], weights: zeros, shape: [3, 5])
        for row in 0..<5 {
            for column in 0..<3 {
                var wanted: Float = 0
                for k in 0..<2 {
                    wanted = wanted.addingProduct(1.5 * b[row * 2 + k], a[k * 3 + column])
                }
                #expect(straight[row * 3 + column] == wanted)
                #expect(turned[column * 5 + row] == wanted)
            }
        }
    }

    /// A sees the means of groups of two inputs times the number of groups.
    @Test func groupedInputs() throws {
        let factors = [
            RoleTensor(.a, try KindTests.tensor([1, 2], [1, 2])),
            RoleTensor(.b, try KindTests.tensor([4, 8], [2, 1])),
        ]
        let result = try merged(
            "lora", .lora, factors, ["lora_alpha": 1, "use_qalora": true, "qalora_group_size": 2],
            weights: [Float](repeating: 0, count: 8), shape: [2, 4])
        #expect(result == [4, 4, 8, 8, 8, 8, 16, 16])
    }

    /// The last repetition of a block is cut off.
    @Test func shardsThatDoNotDivide() throws {
        let result = try merged(
            "miss", .shards, [RoleTensor(.value, try KindTests.tensor([1, 2, 3, 4, 5, 6], [3, 2]))],
            weights: [Float](repeating: 0, count: 8), shape: [2, 4])
        #expect(result == [1, 3, 5, 1, 2, 4, 6, 2])
    }

    @Test func biasModes() throws {
        let value = [RoleTensor(.value, try KindTests.tensor([1, 2], [2]))]
        #expect(try merged("lora", .bias, value, weights: [5, 5], shape: [2]) == [1, 2])
        #expect(try merged("lora", .bias, value, entry: ["mode": "add"], weights: [5, 5], shape: [2]) == [6, 7])
    }
}
