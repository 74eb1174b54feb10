import Adapters
import DeltaFormat
import Files
import Packaging
import Reports
import Support
import Tensors
import Testing

@Suite("What to mend")
struct AdviceTests {
    private func sorts(_ report: StorageReport, _ name: String) -> Set<Advice.Sort> {
        Set(report.advice.filter { $0.name == name }.map(\.sort))
    }

    @Test("an adapter whose factors are zeros, and none else")
    func untrained() throws {
        let place = try TemporaryFolder()
        try Collections.write(try Collections.lora(zeroB: true), to: place("zero.tenon"))
        try Collections.write(try Collections.lora(), to: place("full.tenon"))
        let paths = [place.path, Collections.fixture("lora-untrained"), Collections.fixture("lora-llama")]
        let report = try Collections.report(paths)
        let untrained = report.advice.filter { $0.sort == .untrained }
        #expect(Set(untrained.map(\.name)) == [place("zero.tenon"), Collections.fixture("lora-untrained")])
        #expect(untrained.contains { $0.command == "rm \(place("zero.tenon"))" })
        #expect(try Collections.report(paths, readsValues: false).advice.allSatisfy { $0.sort != .untrained })
    }

    @Test("the same content in a folder and in containers, and what packing saves, to the byte")
    func duplicates() throws {
        let place = try TemporaryFolder()
        let folder = Collections.fixture("lora-llama")
        for (name, compression) in [("a.tenon", .fast), ("b.tenon", .max)] as [(String, Compression)] {
            _ = try PackingJob(compression: compression, lanes: Collections.lanes).run(
                sources: [folder], output: place(name), tell: { _ in })
        }
        let report = try Collections.report([folder, place.path])
        #expect(Set(report.items.compactMap(\.contentDigest)).count == 1)
        // One is kept, a container, and what goes has no other advice.
        #expect(
            report.advice.filter { $0.sort == .duplicate }.map(\.name).sorted() == [folder, place("b.tenon")].sorted())
        #expect(sorts(report, place("a.tenon")).contains(.unbound) && sorts(report, folder) == [.duplicate])
        let alone = try Collections.report([folder])
        let size = try InputFile(path: place("a.tenon")).size
        let unpacked = try #require(alone.advice.first { $0.sort == .unpacked })
        #expect(unpacked.saves == alone.items[0].chain.storedBytes - size)
    }

    @Test("fp32 that holds bf16, whole tensors, and paths quoted for a shell")
    func others() throws {
        let place = try TemporaryFolder()
        let name = "it's $(odd) dir"
        try Folder.make(place(name))
        for entry in try Folder.entries(of: Collections.fixture("lora-modules-to-save")) where entry.kind == .file {
            try place.write(
                try contents(of: Paths.joined(Collections.fixture("lora-modules-to-save"), entry.name)),
                to: "\(name)/\(entry.name)")
        }
        let report = try Collections.report([place.path])
        let whole = try #require(report.advice.first { $0.sort == .wholeTensors })
        #expect(whole.command.contains("'\(place.path)/it'\\''s $(odd) dir'") && whole.saves == nil)

        var wide = try Collections.lora()
        wide.entries[0].tensors = try wide.entries[0].tensors.map { tensor in
            let count = tensor.source.byteCount / 4
            let values = (0..<count).map { Float($0 % 97) - 40 }
            return .init(tensor.role, try Collections.floats(values, tensor.source.shape))
        }
        let folder = try TemporaryFolder()
        try Collections.write(wide, to: folder("wide.tenon"))
        // Its zeros are coded away: nothing to mend.
        #expect(try Collections.report([folder.path]).advice.allSatisfy { $0.sort != .wideDType })
    }
}
