import Diagnostics
import Files
import Testing

import Interchange

/// Zip archives that are not what torch writes.
@Suite struct PickleArchiveTests {
    static let sample = ArchiveSample(pickle: Pickle.dictionary(("x", Pickle.tensor())))

    func refused(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation, spoil: (inout ArchiveSample) -> Void
    ) {
        var archive = Self.sample
        spoil(&archive)
        let failure = archive.refusal()
        #expect(failure?.code == .badArchive, "\(what): \(failure?.description ?? "")", sourceLocation: sourceLocation)
    }

    @Test func wideSizesAreRead() throws {
        var archive = Self.sample
        archive.isWide = true
        #expect(try archive.open().tensors.count == 1)
    }

    @Test func highBytesBeforeTheEndAreNoSizes() throws {
        var archive = Self.sample
        archive.entries.append(.init(name: "a/" + String(repeating: "\u{FF}", count: 60)))
        #expect(try archive.open().tensors.count == 1)
    }

    @Test func sizesThatFollowTheDataAreRead() throws {
        var archive = Self.sample
        for index in archive.entries.indices {
            archive.entries[index].flags = 0x0808
            archive.entries[index].localSize = 0
        }
        #expect(try archive.open().tensors.count == 1)
    }

    @Test func unusualArchivesAreRefused() {
        refused("compressed") { $0.entries[0].method = 8 }
        refused("encrypted") { $0.entries[2].flags = 1 }
        refused("a bomb") { ($0.entries[2].size, $0.entries[2].localSize) = (1 << 31, 1 << 31) }
        refused("overlap") { $0.entries[2].header = 0 }
        refused("beyond the end") { $0.entries[2].header = 1 << 20 }
        refused("beyond the end, wide") { ($0.isWide, $0.entries[2].header) = (true, 1 << 62) }
        refused("beyond 63 bits") { ($0.isWide, $0.entries[2].size) = (true, .max) }
        refused("longer than it is") { ($0.entries[3].size, $0.entries[3].localSize) = (1000, 1000) }
        refused("headers disagree on size") { $0.entries[2].localSize = 12 }
        refused("headers disagree on name") { $0.entries[2].localName = "a/data/1" }
        refused("two of one name") { $0.entries.append($0.entries[2]) }
        refused("a comment") { $0.entries[2].comment = [1] }
        refused("bytes before") { $0.prefix = [1, 2, 3] }
        refused("bytes after") { $0.suffix = [0] }
        refused("too many records") { $0.count = 5 }
        refused("too few records") { $0.count = 3 }
        refused("no records") { $0.count = 0 }
        refused("directory elsewhere") { $0.directoryStart = 7 }
        refused("directory elsewhere, wide") { ($0.isWide, $0.directoryStart) = (true, 1 << 60) }
        refused("a name that is no UTF-8 length") { $0.entries[2].name = String(repeating: "x", count: 2000) }
        refused("no pickle") { $0.entries[0].name = "a/other" }
        refused("two pickles") { $0.entries[1].name = "b/data.pkl" }
        refused("no entries") { $0.entries = [] }
    }
}
