import Adapters
import DeltaFormat
import Diagnostics
import Files
import JSON
import Parallelism
import Support
import Testing

/// The built tool against every input that must be refused: its exit status, its code, and what it leaves behind.
@Suite("Hostile input") struct HostileTests {
    static let cases = HostileCase.all.filter { record in
        #if !FaultInjection
            if record.environment["TENON_FAULT"] != nil { return false }
        #endif
        #if !os(Linux)
            if record.make == "proc" { return false }
        #endif
        return !record.isOpen && !["every-truncation", "every-flip", "many-entries"].contains(record.make)
    }

    /// The most that any of them may hold in memory.
    static let peakAllowed = 128 << 20

    @Test func everyRowHasARecord() {
        #expect(Set(HostileCase.all.map(\.row)) == Set(1...98))
        let codes = Dictionary(uniqueKeysWithValues: Failure.Code.all.map { ($0.word, $0) })
        for record in HostileCase.all where !record.isOpen && record.code != "*" {
            let status = record.code.map { codes[$0]?.status.rawValue } ?? 0
            #expect(record.exit.map(Int32.init) == status, "\(record)")
        }
    }

    @Test(arguments: cases)
    func endsAsItsRecordSays(record: HostileCase) throws {
        let folder = try TemporaryFolder()
        let arguments = try words(record, folder)
        let before = try folder.names()
        let run = try runTool(arguments + ["--json"], environment: record.environment)
        try expect(run, record)
        if record.code != nil { #expect(try folder.names() == before, "something was left behind") }
        if record.tells == nil && record.never.isEmpty { return }
        let spoken = try runTool(arguments, environment: record.environment)
        let said = spoken.output + spoken.errors
        if let tells = record.tells { #expect(said.contains(tells)) }
        for text in record.never { #expect(!said.unicodeScalars.contains(text.unicodeScalars.first ?? "\0")) }
    }

    /// The verb and its arguments, with the record's input in place.
    private func words(_ record: HostileCase, _ folder: TemporaryFolder) throws -> [String] {
        let adapter = try record.adapter(in: folder)
        let base = try record.base(in: folder)
        let store = try record.store(in: folder)
        let input = try adapter ?? record.input(in: folder)
        let usual = adapter == nil ? ["verify", "FILE"] : ["pack", "FOLDER", "-o", "OUT"]
        return try (record.command ?? usual).map { word in
            switch word {
            case "FILE", "FOLDER": try #require(input)
            case "BASE": try #require(base)
            case "STORE": try #require(store)
            case "OUT": folder("out")
            default: word
            }
        }
    }

    private func expect(_ run: ToolRun, _ record: HostileCase) throws {
        #expect(run.signal == nil && !run.timedOut)
        #expect(Int(run.status) == record.exit, "\(run.errors)")
        #expect(run.peakMemory < Self.peakAllowed)
        let document = try JSONValue.parse(run.standardOutput)
        if record.code == "*" {
            #expect(document["error"]?["code"]?.string != nil)
        } else {
            #expect(document["error"]?["code"]?.string == record.code)
        }
    }

    /// A sample: the reader's own tests try them all.
    @Test(arguments: HostileCase.all.filter { ["every-truncation", "every-flip"].contains($0.make) })
    func noDamagePasses(record: HostileCase) throws {
        let folder = try TemporaryFolder()
        let good = try record.original()
        for place in stride(from: 0, to: good.count, by: 11) {
            var bad = good
            bad[place] ^= 1 << UInt8(place % 8)
            let damaged = record.make == "every-flip" ? bad : Array(good[..<place])
            try expect(try runTool(["verify", try folder.write(damaged, to: "x"), "--json"]), record)
        }
    }

    @Test(arguments: HostileCase.all.filter { $0.make == "many-entries" })
    func manyEntriesTakeLinearTime(record: HostileCase) throws {
        let folder = try TemporaryFolder()
        var adapter = Adapter(method: "full")
        for number in 0..<(record.record["count"]?.int ?? 0) {
            adapter.entries.append(AdapterEntry(key: EntryKey("t\(number)", .removed), tensors: []))
        }
        let output = try OutputFile.create(at: folder("x"), replacing: false, durability: .none)
        _ = try ContainerWriter(lanes: Lanes(count: 1)).write(adapter, to: output)
        try output.commit()
        try expect(try runTool(["verify", folder("x"), "--json"]), record)
    }
}

/// `Spec/errors.md` against the codes and the hostile cases.
@Suite("The page of errors") struct ErrorsPageTests {
    /// The cells of each row of the table, by the code.
    static let rows: [String: [String]] = {
        let page = (try? contents(of: Paths.joined(HostileCase.root, "Spec/errors.md"))) ?? []
        var rows: [String: [String]] = [:]
        for line in String(decoding: page, as: UTF8.self).split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            rows[cells[0].filter { $0 != "`" }] = cells
        }
        return rows
    }()

    @Test func listsEveryCodeWithItsStatus() {
        #expect(Set(Self.rows.keys) == Set(Failure.Code.all.map(\.word)))
        for code in Failure.Code.all {
            #expect(Self.rows[code.word]?[1] == "\(code.status.rawValue)", "\(code.word)")
        }
    }

    @Test func namesTheRowsOfEveryCode() {
        for code in Failure.Code.all {
            let rows = Set(HostileCase.all.filter { $0.code == code.word }.map(\.row)).sorted()
            let expected = rows.isEmpty ? "–" : rows.map(String.init).joined(separator: ", ")
            #expect(Self.rows[code.word]?.last == expected, "\(code.word)")
        }
    }
}
