import Adapters
import DeltaAlgebra
import Diagnostics
import Tensors
import Testing

/// Kinds that PEFT does not write, against their formulas.
@Suite struct KindTests {
    static func tensor(_ values: [Float], _ shape: Shape) throws -> TensorBuffer {
        try TensorBuffer(
            dtype: .f32, shape: shape,
            bytes: values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } })
    }

    /// What an entry makes of the 2 × 3 weight 1 … 6.
    static func merged(
        _ kind: Kind, _ tensors: [RoleTensor], _ parameters: Parameters = [:], weight: Double = 1, rows: Int = 2
    ) throws -> [Float] {
        let entry = AdapterEntry(key: EntryKey("m.weight", kind), parameters: parameters, tensors: tensors)
        let updates = try AdapterUpdates(Adapter(method: "other", entries: [entry]), weight: weight) {
            $0 == "m.weight" ? BaseTensor(dtype: .f32, shape: [2, 3]) : nil
        }
        if let refusal = updates.refusals.first { throw refusal.failure }
        var weights: [Float] = [1, 2, 3, 4, 5, 6]
        for update in updates.updates {
            for start in stride(from: 0, to: update.rows, by: rows) {
                let range = start..<min(start + rows, update.rows)
                let places = (range.lowerBound * update.columns)..<(range.upperBound * update.columns)
                var part = Array(weights[places])
                var span = part.mutableSpan
                switch try update.prepare() {
                case .replace(let source): part = Array(try floats(of: source)[places])
                case .map(let map): try map.update(rows: range, &span)
                case .sum(let source):
                    var sum = [Float](repeating: 0, count: part.count)
                    var sums = sum.mutableSpan
                    try source.add(rows: range, to: &sums)
                    part = zip(part, sum).map { $0 + $1 }
                }
                weights.replaceSubrange(places, with: part)
            }
        }
        return weights
    }

    static let places = TensorBuffer([4, 0])
    static let bits = [UInt8(0b10_0101)]

    @Test(arguments: [1, 2]) func sparse(_ rows: Int) throws {
        let value = try RoleTensor(.value, Self.tensor([10, 20], [2]))
        let flat = [RoleTensor(.indices, Self.places), value]
        #expect(try Self.merged(.sparse, flat, rows: rows) == [21, 2, 3, 4, 15, 6])
        #expect(try Self.merged(.sparse, flat, weight: 0.5, rows: rows) == [11, 2, 3, 4, 10, 6])
        #expect(try Self.merged(.sparse, flat, ["mode": "replace"], rows: rows) == [20, 2, 3, 4, 10, 6])
        let pairs = RoleTensor(.indices, try TensorBuffer(dtype: .u8, shape: [2, 2], bytes: [1, 0, 2, 1]))
        #expect(try Self.merged(.sparse, [pairs, value], rows: rows) == [1, 22, 3, 4, 5, 16])
    }

    @Test func sparsePlacesBeyond() throws {
        let value = try RoleTensor(.value, Self.tensor([10, 20], [2]))
        for places: [UInt8] in [[6, 0], [255, 0]] {
            let failure = #expect(throws: Failure.self) {
                try Self.merged(.sparse, [RoleTensor(.indices, TensorBuffer(places)), value])
            }
            #expect(failure?.code == .sparseIndex)
        }
    }

    @Test(arguments: [1, 2]) func mask(_ rows: Int) throws {
        let bitmap = RoleTensor(.bitmap, try TensorBuffer(dtype: .bit, shape: [2, 3], bytes: Self.bits))
        let value = try RoleTensor(.value, Self.tensor([10, 20, 30], [3]))
        #expect(try Self.merged(.mask, [bitmap], rows: rows) == [1, 0, 3, 0, 0, 6])
        #expect(try Self.merged(.mask, [bitmap, value], ["mode": "add"], rows: rows) == [11, 2, 23, 4, 5, 36])
        #expect(try Self.merged(.mask, [bitmap, value], ["mode": "replace"], rows: rows) == [10, 2, 20, 4, 5, 30])
        let short = try RoleTensor(.value, Self.tensor([10, 20], [2]))
        let failure = #expect(throws: Failure.self) {
            try Self.merged(.mask, [bitmap, short], ["mode": "add"])
        }
        #expect(failure?.code == .maskCount)
    }

    @Test(arguments: [1, 2]) func signs(_ rows: Int) throws {
        let bitmap = RoleTensor(.bitmap, try TensorBuffer(dtype: .bit, shape: [2, 3], bytes: Self.bits))
        let one = try RoleTensor(.scale, Self.tensor([0.5], [1]))
        #expect(try Self.merged(.signs, [bitmap, one], rows: rows) == [1.5, 1.5, 3.5, 3.5, 4.5, 6.5])
        let two = try RoleTensor(.scale, Self.tensor([0.5, 1], [2]))
        #expect(try Self.merged(.signs, [bitmap, two], weight: 2, rows: rows) == [2, 1, 4, 2, 3, 8])
    }

    @Test(arguments: [1, 2]) func whole(_ rows: Int) throws {
        let value = try RoleTensor(.value, Self.tensor([10, 20, 30, 40, 50, 60], [2, 3]))
        #expect(try Self.merged(.dense, [value], rows: rows) == [11, 22, 33, 44, 55, 66])
        #expect(try Self.merged(.dense, [value], weight: -1, rows: rows) == [-9, -18, -27, -36, -45, -54])
        #expect(try Self.merged(.dense, [value], ["mode": "replace"], rows: rows) == [10, 20, 30, 40, 50, 60])
        #expect(try Self.merged(.full, [value], rows: rows) == [10, 20, 30, 40, 50, 60])
    }

    @Test func rowsWithPlacesOfTheirOwn() throws {
        let value = try RoleTensor(.value, Self.tensor([7, 8, 9], [1, 3]))
        let place = RoleTensor(.indices, TensorBuffer([1]))
        #expect(try Self.merged(.rows, [value, place], rows: 1) == [1, 2, 3, 7, 8, 9])
        let failure = #expect(throws: Failure.self) {
            try Self.merged(.rows, [value, RoleTensor(.indices, TensorBuffer([2]))])
        }
        #expect(failure?.code == .baseIncompatible)
    }
}
