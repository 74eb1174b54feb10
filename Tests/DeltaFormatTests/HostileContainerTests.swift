import DeltaFormat
import Diagnostics
import Files
import JSON
import Parallelism
import Support
import Testing

/// What the reader makes of the containers that an independent writer made.
@Suite struct HostileContainerTests {
    /// The records about containers that the reader alone can judge: what an adapter's values must be, others check.
    static let cases = HostileCase.all.filter { record in
        let isContainer = record.file != nil || record.make == "pieces"
        let isPlain = record.command == nil && record.environment.isEmpty
        return isContainer && isPlain && !["sparse-index", "mask-count"].contains(record.code) && record.name != "bit"
            && (record.row != 98 || record.code == nil)
    }

    private func code(_ path: String) throws -> String? {
        do throws(Failure) {
            try Container(InputFile(path: path)).verify(.full, lanes: Lanes(count: 1))
            return nil
        } catch {
            return error.code.word
        }
    }

    @Test func thereAreCases() {
        #expect(Self.cases.count > 200)
    }

    @Test(arguments: cases)
    func isJudgedAsTheIndependentReaderDoes(record: HostileCase) throws {
        let folder = try TemporaryFolder()
        let path = try #require(try record.input(in: folder))
        #expect(try code(path) == record.code)
    }

    @Test(arguments: HostileCase.all.filter { ["every-truncation", "every-flip"].contains($0.make) })
    func noDamagePasses(record: HostileCase) throws {
        let folder = try TemporaryFolder()
        let good = try record.original()
        for place in good.indices {
            if record.make == "every-truncation" {
                #expect(try code(try folder.write(Array(good[..<place]), to: "x")) == "truncated", "cut to \(place)")
                continue
            }
            for bit in 0..<8 {
                var bad = good
                bad[place] ^= 1 << UInt8(bit)
                #expect(try code(try folder.write(bad, to: "x")) != nil, "bit \(bit) of byte \(place)")
            }
        }
    }

    @Test func goldenContainersHaveTheDigestsTheyAlwaysHad() throws {
        let folder = Paths.joined(HostileCase.root, "Fixtures/golden")
        let golden = try #require(try JSONValue.parse(try contents(of: Paths.joined(folder, "golden.json"))).object)
        #expect(golden.count >= 8)
        for (name, stated) in golden.members.map({ ($0.key, $0.value) }) {
            let container = try Container(InputFile(path: Paths.joined(folder, name)))
            try container.verify(.full, lanes: Lanes(count: 2))
            #expect("\(container.contentDigest)" == stated["contentDigest"]?.string, "\(name)")
            #expect("\(container.indexDigest)" == stated["indexDigest"]?.string, "\(name)")
            #expect(container.layout.logicalBytes == stated["logicalBytes"]?.int, "\(name)")
            #expect(
                container.index.tensors.map { "\($0.digest)" } == stated["tensors"]?.array?.compactMap(\.string),
                "\(name)")
        }
    }
}
