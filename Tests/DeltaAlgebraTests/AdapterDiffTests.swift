import Adapters
import DeltaAlgebra
import Diagnostics
import Parallelism
import Support
import Tensors
import Testing

@Suite("Differences of adapters")
struct AdapterDiffTests {
    private static let lanes = Lanes(count: 2)

    /// A LoRA of one target, and the change of the weight that it stands for.
    private struct Sample {
        var b: [Float]
        var a: [Float]
        let rows: Int
        let columns: Int
        let rank: Int
        var alpha = 8.0
        var others: [RoleTensor] = []

        init(rows: Int, columns: Int, rank: Int, seed: UInt64) {
            var random = RepeatableRandom(seed: seed)
            self.rows = rows
            self.columns = columns
            self.rank = rank
            b = (0..<rows * rank).map { _ in Float.random(in: -1...1, using: &random) }
            a = (0..<rank * columns).map { _ in Float.random(in: -1...1, using: &random) }
        }

        var change: [Double] {
            var change = [Double](repeating: 0, count: rows * columns)
            for row in 0..<rows {
                for column in 0..<columns {
                    for k in 0..<rank {
                        change[row * columns + column] +=
                            Double(b[row * rank + k]) * Double(a[k * columns + column]) * alpha / Double(rank)
                    }
                }
            }
            return change
        }

        func adapter(_ target: String = "model.layers.0.q_proj.weight") throws -> Adapter {
            let tensors = [
                RoleTensor(.a, try buffer(a, [rank, columns])), RoleTensor(.b, try buffer(b, [rows, rank])),
            ]
            return Adapter(
                method: "lora", parameters: ["lora_alpha": .number(alpha), "r": .int(Int64(rank))],
                entries: [AdapterEntry(key: EntryKey(target, .lora), tensors: tensors + others)])
        }
    }

    private static func buffer(_ values: [Float], _ shape: Shape) throws -> TensorBuffer {
        let bytes = values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
        return try TensorBuffer(dtype: .f32, shape: shape, bytes: bytes)
    }

    private static func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }

    private static func near(_ a: Double?, _ b: Double, _ tolerance: Double = 1e-6) -> Bool {
        a.map { ($0 - b).magnitude <= tolerance * max(1, b.magnitude) } ?? false
    }

    @Test(
        "traces of factors are the figures of the products",
        arguments: [(5, 7, 2, 3), (16, 16, 8, 8), (40, 3, 3, 1), (1, 1, 1, 1), (33, 65, 17, 4)])
    func traces(rows: Int, columns: Int, rank: Int, otherRank: Int) throws {
        let one = Sample(rows: rows, columns: columns, rank: rank, seed: 1)
        var two = Sample(rows: rows, columns: columns, rank: otherRank, seed: 2)
        two.alpha = 3
        let (x, y) = (one.change, two.change)
        let d = zip(y, x).map { $0 - $1 }
        let report = try AdapterDiff(lanes: Self.lanes).run(one.adapter(), two.adapter())
        let norm = Self.dot(x, x).squareRoot()
        #expect(Self.near(report.total.baseNorm, norm))
        #expect(Self.near(report.total.otherNorm, Self.dot(y, y).squareRoot()))
        #expect(Self.near(report.total.relativeChange, Self.dot(d, d).squareRoot() / norm))
        #expect(Self.near(report.total.cosine, Self.dot(x, y) / (norm * Self.dot(y, y).squareRoot())))
        #expect(!report.isEqual && report.tensors.count == 1 && report.tensors[0].status == .changed)
        #expect(
            report.tensors[0].figures?.elements == nil
                && report.parameters == (rank == otherRank ? ["lora_alpha"] : ["lora_alpha", "r"]))
    }

    @Test("an adapter is equal to itself")
    func same() throws {
        let adapter = try Sample(rows: 9, columns: 12, rank: 4, seed: 3).adapter()
        let report = try AdapterDiff(lanes: Self.lanes, takesSpectra: true).run(adapter, adapter)
        #expect(report.isEqual && report.isWithin(0) && report.total.relativeChange == 0 && report.total.cosine == 1)
        #expect(report.tensors.allSatisfy { $0.spectrum == nil })
    }

    @Test("a small difference keeps its digits")
    func small() throws {
        let one = Sample(rows: 64, columns: 48, rank: 8, seed: 4)
        var two = one
        for index in two.b.indices { two.b[index] += Float(index % 5) * 0x1p-22 }
        let d = zip(two.change, one.change).map { $0 - $1 }
        let wanted = (Self.dot(d, d) / Self.dot(one.change, one.change)).squareRoot()
        let report = try AdapterDiff(lanes: Self.lanes).run(one.adapter(), two.adapter())
        #expect(wanted < 1e-5 && (report.total.relativeChange / wanted - 1).magnitude < 1e-5)
    }

    @Test("an untrained adapter is zero: no cosine, and an infinite change from it")
    func zero() throws {
        let one = Sample(rows: 6, columns: 5, rank: 2, seed: 5)
        var two = one
        two.b = two.b.map { _ in 0 }
        let away = try AdapterDiff(lanes: Self.lanes).run(one.adapter(), two.adapter())
        #expect(away.total.otherNorm == 0 && away.total.relativeChange == 1 && away.total.cosine == nil)
        let back = try AdapterDiff(lanes: Self.lanes).run(two.adapter(), one.adapter())
        #expect(back.total.baseNorm == 0 && back.total.relativeChange == .infinity && !back.isWithin(1e9))
    }

    @Test("a factor that is no number has no figures, and is no small change")
    func unusable() throws {
        let one = Sample(rows: 6, columns: 5, rank: 2, seed: 5)
        var two = one
        two.a[3] = .nan
        for (base, other) in [(one, two), (two, one)] {
            let report = try AdapterDiff(lanes: Self.lanes, takesSpectra: true).run(base.adapter(), other.adapter())
            #expect(report.tensors[0].figures == nil && report.tensors[0].status == .changed)
            #expect(!report.isEqual && !report.isWithin(1e9))
        }
        #expect(try AdapterDiff(lanes: Self.lanes).run(two.adapter(), two.adapter()).isEqual)
        let cosines = try AdapterCosines([one.adapter(), two.adapter()], lanes: Self.lanes)
        #expect(cosines[0, 0] == 1 && cosines[0, 1] == nil && cosines.norms[1].isNaN)
    }

    @Test("ranks whose inner products do not fit the memory are refused")
    func memory() throws {
        let one = Sample(rows: 40, columns: 40, rank: 30, seed: 5)
        let small = MemoryBudget(bytes: 10_000)
        let failure = #expect(throws: Failure.self) {
            try AdapterDiff(lanes: Self.lanes, memory: small).run(one.adapter(), one.adapter())
        }
        #expect(failure?.code == .outOfMemory && failure?.hints.isEmpty == false)
        let many = #expect(throws: Failure.self) {
            try AdapterCosines([one.adapter(), one.adapter(), one.adapter()], lanes: Self.lanes, memory: small)
        }
        #expect(many?.code == .outOfMemory)
    }

    @Test("other factors of one product have a change of nothing but rounding")
    func turned() throws {
        let one = Sample(rows: 20, columns: 30, rank: 2, seed: 6)
        var two = one
        for row in 0..<20 { two.b.swapAt(row * 2, row * 2 + 1) }
        two.a = Array(one.a[30...]) + Array(one.a[..<30])
        let report = try AdapterDiff(lanes: Self.lanes).run(one.adapter(), two.adapter())
        #expect(!report.isEqual && report.total.relativeChange < 1e-7 && report.isWithin(1e-7))
    }

    @Test("what is added, removed, of another shape, and magnitudes as vectors")
    func structure() throws {
        var one = Sample(rows: 4, columns: 4, rank: 2, seed: 7)
        var two = one
        one.others = [RoleTensor(.magnitude, try Self.buffer([1, 2, 3, 4], [4]))]
        two.others = [RoleTensor(.magnitude, try Self.buffer([1, 2, 3, 5], [4]))]
        var (base, other) = (try one.adapter("x.weight"), try two.adapter("x.weight"))
        base.entries += try Sample(rows: 4, columns: 4, rank: 2, seed: 8).adapter("gone.weight").entries
        base.entries += try Sample(rows: 4, columns: 4, rank: 2, seed: 8).adapter("wide.weight").entries
        other.entries += try Sample(rows: 4, columns: 5, rank: 2, seed: 8).adapter("wide.weight").entries
        other.entries += try Sample(rows: 4, columns: 4, rank: 2, seed: 8).adapter("new.weight").entries
        let report = try AdapterDiff(lanes: Self.lanes).run(base, other)
        let statuses = Dictionary(uniqueKeysWithValues: report.tensors.map { ($0.name, $0.status) })
        #expect(
            statuses == [
                "x.weight": .equal, "x.weight [lora] magnitude": .changed, "gone.weight": .removed,
                "wide.weight": .reshaped, "new.weight": .added,
            ])
        let magnitude = try #require(report.tensors.first { $0.name.hasSuffix("magnitude") }?.figures)
        #expect(Self.near(magnitude.relativeChange, 1 / 30.0.squareRoot()) && magnitude.elements?.changedShare == 0.25)
        #expect(!report.isWithin(100) && report.worstFirst.last?.status == .equal)
    }

    @Test("spectra and angles of planted factors")
    func spectra() throws {
        // X = 3·e₀f₀ᵀ, Y = X + 4·e₁f₁ᵀ + 4·e₂f₂ᵀ: D has two values of 4, and X's spaces lie in Y's.
        func unit(_ place: Int, _ count: Int, _ size: Float) -> [Float] {
            (0..<count).map { $0 == place ? size : 0 }
        }
        var one = Sample(rows: 8, columns: 6, rank: 1, seed: 0)
        one.b = unit(0, 8, 3)
        one.a = unit(0, 6, 1)
        one.alpha = 1
        var two = Sample(rows: 8, columns: 6, rank: 3, seed: 0)
        two.b = (0..<8).flatMap { row in [row == 0 ? 3 : 0, row == 1 ? 4 : 0, row == 2 ? 4 : 0] as [Float] }
        two.a = unit(0, 6, 1) + unit(1, 6, 1) + unit(2, 6, 1)
        two.alpha = 3
        let report = try AdapterDiff(lanes: Self.lanes, takesSpectra: true).run(one.adapter(), two.adapter())
        let spectrum = try #require(report.tensors[0].spectrum)
        #expect(Self.near(spectrum.effectiveRank, 2) && spectrum.isComplete)
        #expect(spectrum.values.count == 2 && spectrum.values.allSatisfy { Self.near($0, 4) })
        #expect(spectrum.energyRanks == [1, 2, 2, 2])
        let angles = try #require(spectrum.angles)
        #expect(
            angles.columns.count == 1 && angles.columns[0] < 1e-3 && angles.rows.count == 1 && angles.rows[0] < 1e-3)
        var apart = one
        apart.b = unit(5, 8, 1)
        let other = try AdapterDiff(lanes: Self.lanes, takesSpectra: true).run(one.adapter(), apart.adapter())
        let turned = try #require(other.tensors[0].spectrum?.angles)
        #expect(Self.near(turned.columns[0], 90) && turned.rows[0] < 1e-3)
    }

    @Test("cosines of many are those of the products, whatever the lanes")
    func cosines() throws {
        let samples = [(4, 1), (2, 2), (8, 3), (4, 1), (1, 4)].map { rank, seed in
            Sample(rows: 70, columns: 1100, rank: rank, seed: UInt64(seed))
        }
        let adapters = try samples.map { try $0.adapter() }
        let changes = samples.map(\.change)
        let found = try AdapterCosines(adapters, lanes: Lanes(count: 1))
        let again = try AdapterCosines(adapters, lanes: Lanes(count: 3))
        for i in changes.indices {
            #expect(Self.near(found.norms[i], Self.dot(changes[i], changes[i]).squareRoot()))
            for j in changes.indices {
                let wanted =
                    Self.dot(changes[i], changes[j])
                    / (Self.dot(changes[i], changes[i]) * Self.dot(changes[j], changes[j])).squareRoot()
                #expect(Self.near(found[i, j], wanted) && found[i, j] == again[i, j] && found[i, j] == found[j, i])
            }
        }
        #expect(found[0, 0] == 1)
    }

    @Test("cosines where targets and shapes are not shared, and of nothing")
    func sparseCosines() throws {
        let one = try Sample(rows: 4, columns: 4, rank: 2, seed: 1).adapter("a.weight")
        let two = try Sample(rows: 4, columns: 4, rank: 2, seed: 2).adapter("b.weight")
        let three = try Sample(rows: 4, columns: 5, rank: 2, seed: 2).adapter("a.weight")
        let found = try AdapterCosines([one, two, three, Adapter(method: "lora")], lanes: Self.lanes)
        #expect(found[0, 1] == 0 && found[0, 2] == 0 && found[0, 3] == nil && found.norms[3] == 0)
    }
}
