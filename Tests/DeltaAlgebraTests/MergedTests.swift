import Adapters
import DeltaAlgebra
import Testing

/// Every fixture that PEFT can merge, against PEFT.
@Suite struct MergedTests {
    @Test func haveEveryCase() {
        #expect(MergedFixtures.all.count >= 75)
    }

    /// fp32 sums within 4·2⁻²⁴·(|W| + Σ|s·b·a|), everything else within 1e-6 of the row's norm.
    @Test(arguments: MergedFixtures.all) func sameAsPEFT(_ name: String) throws {
        let golden = try Golden(name)
        let adapter = try MergedFixtures.adapter(name)
        let application = try Application(adapter, base: golden.base)
        #expect(application.updates.refusals.isEmpty, "\(application.updates.refusals)")
        #expect(!golden.tensors.isEmpty)
        let bounds = try Application(try adapter.absolute(), base: golden.base)
        for rows in golden.tensors {
            let columns = rows.values.count / rows.rows.count
            let merged = try application.merged(rows.target)
            let original = try application.original(rows.target)
            let isSum = application.updates.updates.allSatisfy {
                $0.target != rows.target || ($0.effect == .sum && $0.entry.kind != .spectrum)
            }
            let bound = isSum ? try bounds.change(of: rows.target) : []
            var worst: Float = 0
            for (index, row) in rows.rows.enumerated() {
                let places = (row * columns)..<((row + 1) * columns)
                let wanted = rows.values[(index * columns)..<((index + 1) * columns)]
                let norm = original[places].reduce(0) { $0 + $1 * $1 }.squareRoot()
                for (place, value) in zip(places, wanted) {
                    let difference = abs(merged[place] - value)
                    let allowed = isSum ? 0x1p-22 * (abs(original[place]) + abs(bound[place])) : 1e-6 * norm
                    worst = max(worst, difference / allowed)
                }
            }
            #expect(worst <= 1, "\(rows.target) of \(name): \(worst) of what is allowed")
        }
    }
}
