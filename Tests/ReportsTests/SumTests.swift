import DeltaFormat
import Files
import Packaging
import Quantization
import Reports
import Support
import Tensors
import Testing

@Suite("Savings sum to the byte")
struct SumTests {
    /// Every item, base and method, and the whole.
    private func expectSums(_ report: StorageReport, sourceLocation: SourceLocation = #_sourceLocation) {
        for item in report.items {
            let chain = item.chain
            #expect(
                chain.savings.total == chain.logicalBytes - chain.storedBytes, "\(item.name)",
                sourceLocation: sourceLocation)
        }
        for group in report.bases + report.methods + [report.total] {
            #expect(group.savings.total == group.savedBytes, "\(group.label)", sourceLocation: sourceLocation)
        }
        for groups in [report.bases, report.methods] {
            #expect(groups.reduce(0) { $0 + $1.storedBytes } == report.total.storedBytes)
            #expect(groups.reduce(0) { $0 + $1.logicalBytes } == report.total.logicalBytes)
        }
        #expect(report.growth.last?.storedBytes == report.total.storedBytes)
        #expect(report.growth.last?.logicalBytes == report.total.logicalBytes)
    }

    @Test("of every fixture, as PEFT wrote it and packed in every way, with bases and without")
    func fixtures() throws {
        let place = try TemporaryFolder()
        let ways: [(String, PackingJob)] = [
            ("plain", PackingJob(lanes: Collections.lanes)),
            ("fast", PackingJob(compression: .fast, lanes: Collections.lanes)),
            ("bf16", PackingJob(lossy: LossyConversion(dtype: .bf16), lanes: Collections.lanes)),
            ("nf4", PackingJob(lossy: LossyConversion(quantization: .nf4Double), lanes: Collections.lanes)),
            ("int8", PackingJob(lossy: LossyConversion(quantization: .int8), lanes: Collections.lanes)),
        ]
        var paths: [String] = []
        for name in Collections.fixtures {
            paths.append(Collections.fixture(name))
            for (way, job) in ways {
                let path = place("\(name)-\(way).tenon")
                // Some hold numbers that cannot be quantized, or what only a later version reads.
                guard (try? job.run(sources: [Collections.fixture(name)], output: path, tell: { _ in })) != nil else {
                    continue
                }
                paths.append(path)
                // The container's own size is that of its file.
                #expect(try InputFile(path: path).size > 0)
            }
        }
        #expect(paths.count > 300)
        let bases = try Folder.entries(of: Paths.joined(Collections.root, "bases")).filter { $0.kind == .folder }
            .map { Paths.joined(Collections.root, "bases/\($0.name)") }
        let report = try Collections.report(paths, bases: bases, readsValues: false)
        expectSums(report)
        #expect(report.broken.isEmpty && report.items.count == paths.count)
        #expect(report.total.savings.lowRank > 0 && report.total.savings.quantization > 0)
        #expect(report.total.savings.framing < 0 && report.total.savings.compression > 0)
        #expect(report.items.contains { $0.knowsCopy } && report.withoutCopy < report.items.count)
        var stored = 0
        for item in report.items where item.holding.form == .container {
            stored += item.chain.storedBytes
            #expect(try item.chain.file == InputFile(path: item.holding.path).size)
        }
        #expect(stored > 0)
        expectSums(try Collections.report(paths, readsValues: false))
    }

    @Test("of random collections, under several names")
    func random() throws {
        let place = try TemporaryFolder()
        let seed = UInt64(Syscalls.environment("TENON_SEED") ?? "") ?? 7
        print("TENON_SEED=\(seed)")
        var random = RepeatableRandom(seed: seed)
        var holdings: [Holding] = []
        for number in 0..<40 {
            let base = Bool.random(using: &random) ? Int.random(in: 1...1 << 36, using: &random) : nil
            let path = place("\(number).tenon")
            try Collections.write(
                try Collections.lora(
                    rank: Int.random(in: 1...32, using: &random), seed: UInt64(number), base: base,
                    zeroB: Bool.random(using: &random)), to: path,
                [.fast, .standard, .max].randomElement(using: &random) ?? .fast)
            let names = (0...Int.random(in: 0...4, using: &random)).map { "name-\(number):v\($0)" }
            holdings.append(
                Holding(
                    form: .container, path: path, names: names,
                    added: Int64.random(in: 0...2_000_000_000, using: &random) * 1_000_000_000))
        }
        let report = try ReportBuilder(lanes: Collections.lanes).report(on: holdings)
        expectSums(report)
        #expect(report.items.count == 40 && report.total.nameCount == holdings.reduce(0) { $0 + $1.names.count })
        #expect(report.total.savings.dedupe > 0 && report.growth.count > 20)
        let all = try holdings.reduce(0) { try $0 + InputFile(path: $1.path).size }
        #expect(report.total.storedBytes == all)
    }

    @Test("each cause is what its definition says")
    func causes() throws {
        let place = try TemporaryFolder()
        let size = try Collections.write(try Collections.lora(rank: 4, base: 1_000_000), to: place("a.tenon"))
        let report = try ReportBuilder(lanes: Collections.lanes).report(
            on: [Holding(form: .container, path: place("a.tenon"), names: ["a", "b", "c"], added: 0)])
        let item = try #require(report.items.first)
        let savings = item.chain.savings
        #expect(item.chain.logicalBytes == 3_000_000 && item.chain.storedBytes == size)
        #expect(savings.lowRank == 3 * (1_000_000 - 2 * 4 * 64 * 4) && savings.dedupe == 2 * size)
        #expect(savings.delta == 0 && savings.quantization == 0 && item.knowsCopy)
        #expect(savings.compression + savings.framing == 3 * (2 * 4 * 64 * 4 - size) && savings.framing < 0)
    }

    @Test("a base that claims what no model has counts as of unknown size")
    func hostileSize() throws {
        let place = try TemporaryFolder()
        try Collections.write(try Collections.lora(base: .max), to: place("a.tenon"))
        let report = try Collections.report([place.path])
        #expect(report.items.first?.knowsCopy == false && report.total.logicalBytes == 2 * 4 * 64 * 4)
        let many = [Holding(form: .container, path: place("a.tenon"), names: .init(repeating: "n", count: 300_000))]
        #expect(throws: (any Error).self) { try ReportBuilder(lanes: Collections.lanes).report(on: many) }
    }
}
