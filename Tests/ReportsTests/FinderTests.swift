import Files
import Reports
import Support
import Testing

@Suite("Finding what to report on")
struct FinderTests {
    @Test("containers, folders, models; the rest is listed, the broken are named")
    func kinds() throws {
        let place = try TemporaryFolder()
        try Collections.write(try Collections.lora(), to: place("a.tenon"))
        try place.write(Array("not one".utf8), to: "b.tenon")
        try place.write(Array("hello".utf8), to: "notes.txt")
        try Folder.make(place("deep"))
        try Folder.make(place("deep/empty"))
        let report = try Collections.report([
            place.path, Collections.fixture("ia3"), Paths.joined(Collections.root, "bases/llama"),
        ])
        #expect(Set(report.items.map(\.holding.form)) == [.container, .folder, .checkpoint])
        #expect(report.broken.map(\.path) == [place("b.tenon")] && report.others.map(\.path) == [place("notes.txt")])
        #expect(report.others.first?.bytes == 5)
    }

    @Test("nothing, the same twice, and what is not there")
    func edges() throws {
        let place = try TemporaryFolder()
        let empty = try Collections.report([place.path])
        #expect(empty.items.isEmpty && empty.growth.isEmpty && empty.total.savedBytes == 0)
        try Collections.write(try Collections.lora(), to: place("a.tenon"))
        let twice = try Collections.report([place("a.tenon"), place.path])
        #expect(twice.items.count == 1 && twice.items.first?.holding.names.count == 1)
        #expect(throws: (any Error).self) { try Collections.report([place("gone")]) }
    }

    @Test("days of the calendar")
    func calendar() {
        for (nanoseconds, text) in [
            (0, "1970-01-01"), (86_399_999_999_999, "1970-01-01"), (86_400_000_000_000, "1970-01-02"),
            (951_782_400_000_000_000, "2000-02-29"), (1_709_164_800_000_000_000, "2024-02-29"),
            (1_735_603_200_000_000_000, "2024-12-31"), (-1_000_000_000, "1969-12-31"),
        ] as [(Int64, String)] {
            #expect(CalendarDate(nanoseconds: nanoseconds).text == text)
        }
    }
}
