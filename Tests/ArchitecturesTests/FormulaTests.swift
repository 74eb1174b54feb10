import Architectures
import Diagnostics
import Testing

@Suite("Formulas")
struct FormulaTests {
    @Test("one matrix of 100 × 500 at rank 5")
    func small() throws {
        let r = Formula.quantity("r", 5)
        let formula = r * (.quantity("in", 500) + .quantity("out", 100))
        #expect(try formula.value() == 3000)
        #expect(formula.symbols == "r·(in + out)")
        #expect(formula.numbers { "\($0)" } == "5 · (500 + 100)")
    }

    @Test("quotients are rounded up, sums may be empty")
    func edges() throws {
        #expect(try Formula.quotient(.quantity("w", 65), 64).value() == 2)
        #expect(try Formula.quotient(.quantity("w", 64), 64).value() == 1)
        #expect(try Formula.quotient(.quantity("w", 0), 64).value() == 0)
        #expect(Formula.quotient(.quantity("w", 65), 64).symbols == "⌈w / 64⌉")
        #expect(try Formula.sum([]).value() == 0)
        #expect(Formula.sum([]).symbols == "0")
    }

    @Test("what does not fit 63 bits is refused, and so is a negative size")
    func overflow() {
        let huge = Formula.quantity("huge", 1 << 40)
        for formula in [huge * huge, .sum([.quantity("a", .max), 1]), .quantity("negative", -1)] {
            let failure = #expect(throws: Failure.self) { try formula.value() }
            #expect(failure?.code == .shapeOverflow)
        }
    }
}
