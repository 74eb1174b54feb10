import Diagnostics
import Recipes
import Support
import Testing

/// Recipes with faults here and there are read or refused, and nothing else.
@Suite struct MutationTests {
    @Test func neverTraps() {
        var random = RepeatableRandom(printingSeedFor: "neverTraps")
        let pieces = Array("{}[]:,-*&?!|>'\"#%@` \n\t<0123456789.eE+_~\u{E000}é".unicodeScalars)
        var accepted = 0
        for round in 0..<3000 {
            let example = ExampleTests.examples[round % ExampleTests.examples.count]
            var text = Array(example.text.unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: text.remove(at: place)
                case 1: text.insert(pieces[Int.random(in: 0..<pieces.count, using: &random)], at: place)
                case 2: text[place] = pieces[Int.random(in: 0..<pieces.count, using: &random)]
                default:
                    let other = Int.random(in: 0..<text.count, using: &random)
                    text.insert(contentsOf: text[min(place, other)..<max(place, other)].prefix(40), at: place)
                }
            }
            var mutated = String.UnicodeScalarView()
            mutated.append(contentsOf: text)
            do throws(Failure) {
                let recipe = try Recipe(String(mutated), path: "r.yml")
                #expect(!recipe.models.isEmpty)
                accepted += 1
            } catch {
                #expect(error.code == .recipeInvalid, "\(error)")
            }
        }
        #expect(accepted > 0)
    }
}
