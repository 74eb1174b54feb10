import DeltaAlgebra
import Diagnostics
import Parallelism
import Support
import Synchronization
import Tensors
import Testing

/// What must hold of every method on tensors of several blocks.
@Suite("Merged tensors") struct MergedTensorTests {
    private static let rows = 130, columns = 1021

    /// Numbers with many equal magnitudes, as differences of 16-bit floats are.
    private static func tensor(_ seed: UInt64, coarse: Bool = false) throws -> TensorBuffer {
        var random = RepeatableRandom(seed: seed)
        var bytes: [UInt8] = []
        for _ in 0..<rows * columns {
            let whole = Int32(truncatingIfNeeded: random.next() >> 40) - 1 << 23
            let value = coarse ? Float(whole >> 18) * 0.125 : Float(whole) * 0x1p-23
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        return try TensorBuffer(dtype: .f32, shape: [rows, columns], bytes: bytes)
    }

    private static func merge(_ method: any MergeMethod, coarse: Bool = false) throws -> TensorMerge {
        var values = MergeValues(), own = MergeValues()
        for (name, value) in [("t", 0.3), ("normalize", 1), ("select_topk", 0.4)] { values[name] = value }
        for (name, value) in [("weight", 0.6), ("density", 0.35), ("gamma", 0.05), ("epsilon", 0.1)] {
            own[name] = value
        }
        let count = min(max(2, method.modelCount.lowerBound), method.modelCount.upperBound)
        return TensorMerge(
            name: "layer.weight",
            base: method.base == .member ? nil : .init(try tensor(1, coarse: coarse), model: "base", number: -1),
            inputs: try (0..<count).map {
                .init(try tensor(UInt64($0) + 2, coarse: coarse), model: "\($0)", number: $0, values: own)
            }, values: values, seed: 7)
    }

    @Test(arguments: MergeMethods.all.map(\.word)) func noByteDependsOnHowItIsRead(_ word: String) throws {
        let method = try #require(MergeMethods.named(word))
        let merge = try Self.merge(method)
        let whole = try MergedTensor(merge, by: method, dtype: .bf16, allowsUnusable: false).readAll()
        let inParts = try MergedTensor(merge, by: method, dtype: .bf16, allowsUnusable: false)
        let size = 70_001
        let starts = Array(stride(from: 0, to: whole.count, by: size))
        let parts = Collected(count: starts.count)
        try Lanes(count: 3).forEach(starts.count) { _, index throws(Failure) in
            // From the last to the first, so that no part comes in its turn.
            let place = starts.count - 1 - index
            let start = starts[place]
            parts.set(place, try inParts.read(at: start, count: min(size, whole.count - start)))
        }
        #expect(parts.all == whole)
    }

    /// Of equal magnitudes those that come first are kept.
    @Test func theLargestAreKeptInOrder() throws {
        let method = try #require(MergeMethods.named("ties"))
        let full = try Self.merge(method, coarse: true)
        let one = TensorMerge(
            name: full.name, base: full.base, inputs: Array(full.inputs.prefix(1)), values: ["normalize": 1],
            seed: 0)
        let base = try floats(of: try #require(full.base).source), other = try floats(of: full.inputs[0].source)
        let differences = zip(other, base).map { $0 - $1 }
        let order = differences.indices.sorted {
            let (a, b) = (abs(differences[$0]), abs(differences[$1]))
            return a == b ? $0 < $1 : a > b
        }
        let kept = Set(order.prefix(Int(0.35 * Double(differences.count))))
        let merged = try floats(of: MergedTensor(one, by: method, dtype: .f32, allowsUnusable: false))
        for index in merged.indices {
            let wanted = kept.contains(index) ? base[index] + 0.6 * differences[index] / 0.6 : base[index]
            try #require(abs(merged[index] - wanted) <= 1e-6 * max(1, abs(wanted)), "\(index)")
        }
    }

    @Test func aNaNIsRefusedByItsModel() throws {
        let method = try #require(MergeMethods.named("linear"))
        let bad = try TensorBuffer(dtype: .f32, shape: [2], bytes: [0, 0, 128, 63, 0, 0, 192, 127])
        let good = try TensorBuffer(dtype: .f32, shape: [2], bytes: [0, 0, 128, 63, 0, 0, 128, 63])
        let merge = TensorMerge(
            name: "w", base: nil,
            inputs: [
                .init(good, model: "a", number: 0, values: ["weight": 1]),
                .init(bad, model: "b", number: 1, values: ["weight": 1]),
            ])
        let strict = try MergedTensor(merge, by: method, dtype: .f32, allowsUnusable: false)
        let failure = #expect(throws: Failure.self) { _ = try strict.readAll() }
        #expect(failure?.code == .notFinite && failure?.path == "b" && failure?.object == "w")
        let merged = try floats(of: MergedTensor(merge, by: method, dtype: .f32, allowsUnusable: true))
        #expect(merged[0] == 1 && merged[1].isNaN)
    }

    @Test func noResultIsWrittenThatIsNoNumber() throws {
        let method = try #require(MergeMethods.named("linear"))
        let model = try TensorBuffer(dtype: .f32, shape: [2], bytes: [0, 0, 128, 63, 0, 80, 195, 71])
        func merged(_ weight: Double, _ dtype: DType) throws -> MergedTensor {
            let merge = TensorMerge(
                name: "w", base: nil,
                inputs: [.init(model, model: "a", number: 0, values: ["weight": weight])],
                values: ["normalize": 0])
            return try MergedTensor(merge, by: method, dtype: dtype, allowsUnusable: false)
        }
        #expect(try floats(of: merged(1, .f32)) == [1, 100_000])
        for (weight, dtype) in [(1e39, DType.f32), (1, .f16), (3.4e33, .bf16)] {
            let failure = #expect(throws: Failure.self) { _ = try merged(weight, dtype).readAll() }
            #expect(failure?.code == .notFinite && failure?.object == "w")
        }
    }

    @Test func noShareTraps() throws {
        let method = try #require(MergeMethods.named("sce"))
        let plain = try Self.merge(method)
        let merge = TensorMerge(
            name: plain.name, base: plain.base, inputs: plain.inputs, values: ["select_topk": -1e300], seed: 0)
        let merged = try floats(of: MergedTensor(merge, by: method, dtype: .f32, allowsUnusable: false))
        #expect(merged == (try floats(of: try #require(plain.base).source)))
    }

    @Test func shapesMustBeOne() throws {
        let method = try #require(MergeMethods.named("linear"))
        let short = try TensorBuffer(dtype: .f32, shape: [1], bytes: [0, 0, 0, 0])
        let long = try TensorBuffer(dtype: .f32, shape: [2], bytes: [UInt8](repeating: 0, count: 8))
        let merge = TensorMerge(
            name: "w", base: nil,
            inputs: [
                .init(short, model: "a", number: 0, values: ["weight": 1]),
                .init(long, model: "b", number: 1, values: ["weight": 1]),
            ])
        let failure = #expect(throws: Failure.self) {
            try MergedTensor(merge, by: method, dtype: .f32, allowsUnusable: false)
        }
        #expect(failure?.code == .modelsIncompatible && failure?.path == "b")
    }
}

/// Parts that arrive in any order.
private final class Collected: Sendable {
    private let parts: Mutex<[[UInt8]]>

    init(count: Int) {
        parts = Mutex([[UInt8]](repeating: [], count: count))
    }

    func set(_ index: Int, _ bytes: [UInt8]) {
        parts.withLock { $0[index] = bytes }
    }

    var all: [UInt8] { parts.withLock { $0.flatMap(\.self) } }
}
