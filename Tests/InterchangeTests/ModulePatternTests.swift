import Adapters
import Diagnostics
import JSON
import Testing

@Suite("Patterns of modules")
struct ModulePatternTests {
    @Test("match what Python's re matches, and are refused where it refuses them")
    func asInPython() throws {
        let document = try FixtureFolders.json("patterns/cases.json")
        let paths = try #require(document["paths"]?.array).compactMap(\.string)
        for record in try #require(document["cases"]?.array) {
            let key = try #require(record["pattern"]?.string)
            let pattern: ModulePattern
            do throws(Failure) {
                pattern = try ModulePattern(key)
            } catch {
                #expect(error.code == .configInvalid)
                #expect(record["refused"] != nil || record["matches"] == .null, "\(key): \(error)")
                continue
            }
            let expected = record["matches"]?.array?.compactMap { $0.int }
            #expect(paths.indices.filter { pattern.matches(paths[$0]) } == expected, "\(key)")
        }
    }

    @Test(
        "never take more time than their length times the path's",
        arguments: [
            "(a+)+$", "(a|aa)+$", "(.*)*x", "((a*)*)*b", "(a?){400}a{400}", "(.*.*.*.*.*.*.*.*)*=", ".*(.*a){30}=",
        ])
    func catastrophic(key: String) throws {
        let path = String(repeating: "a", count: 1000) + "!"
        let pattern = try ModulePattern(key)
        let elapsed = ContinuousClock().measure { #expect(!pattern.matches(path)) }
        #expect(elapsed < .seconds(2))
    }
}
