import Diagnostics
import Files
import Packaging
import Support
import Testing

@Suite("Sources")
struct SourcePathsTests {
    private func folders(_ names: [String], _ body: (TemporaryFolder) throws -> Void) throws {
        let place = try TemporaryFolder()
        try withExtendedLifetime(place) {
            for name in names { try Folder.make(place(name)) }
            try body(place)
        }
    }

    @Test(
        "patterns match whole names",
        arguments: [
            ("*", ["a", "aa", "ab", "b.c", "ä"]), ("a*", ["a", "aa", "ab"]), ("?", ["a"]), ("??", ["aa", "ab", "ä"]),
            ("*b", ["ab"]), ("a*b", ["ab"]), ("*.*", ["b.c"]), ("**", ["a", "aa", "ab", "b.c", "ä"]), ("*a*a*", ["aa"]),
            (".*", []), ("A*", []),
        ])
    func patterns(pattern: String, names: [String]) throws {
        try folders(["a", "aa", "ab", "b.c", ".hidden", "ä"]) { place in
            try place.write([1], to: "file")
            if names.isEmpty {
                #expect(throws: Failure.self) { try SourcePaths.expand([place(pattern)]) }
            } else {
                #expect(try SourcePaths.expand([place(pattern)]) == names.map { place($0) })
            }
        }
    }

    @Test("patterns may stand in any component, and paths stay where they are in the list")
    func components() throws {
        try folders(["a", "a/x", "b", "b/x", "b/y"]) { place in
            #expect(try SourcePaths.expand([place("*/x")]) == [place("a/x"), place("b/x")])
            #expect(try SourcePaths.expand([place("?/*")]) == [place("a/x"), place("b/x"), place("b/y")])
            #expect(
                try SourcePaths.expand(["nothing", place("*/y"), "-"]) == ["nothing", place("b/y"), "-"])
        }
    }

    @Test("what is there is no pattern")
    func literal() throws {
        try folders(["a*", "ab"]) { place in
            #expect(try SourcePaths.expand([place("a*")]) == [place("a*")])
            #expect(SourcePaths.isPattern("a?") && !SourcePaths.isPattern("a[b]"))
        }
    }

    @Test("a long name against many stars does not take long")
    func stars() throws {
        try folders([String(repeating: "a", count: 200)]) { place in
            let pattern = String(repeating: "a*", count: 40) + "b"
            #expect(throws: Failure.self) { try SourcePaths.expand([place(pattern)]) }
        }
    }

    @Test("each goes to its folder's name, which no two may share")
    func outputs() throws {
        try folders(["a", "b", "b/a", "c.d"]) { place in
            #expect(
                try SourcePaths.outputs(for: [place("a"), place("c.d/")], in: "out") == ["out/a.tenon", "out/c.d.tenon"])
            #expect(try SourcePaths.outputs(for: [place("b/.")], in: "out") == ["out/b.tenon"])
            let failure = #expect(throws: Failure.self) {
                try SourcePaths.outputs(for: [place("a"), place("b/a")], in: "out")
            }
            #expect(failure?.code == .usage)
        }
    }

    @Test("a cache folder leads to the snapshot of its main branch; all else stays as it is")
    func cache() throws {
        try folders(["hub", "hub/refs", "hub/snapshots", "plain"]) { place in
            #expect(try SourcePaths.resolveCache(place("hub")) == place("hub"))
            try place.write(Array("abc123\n".utf8), to: "hub/refs/main")
            #expect(try SourcePaths.resolveCache(place("hub")) == place("hub/snapshots/abc123"))
            #expect(try SourcePaths.resolveCache(place("plain")) == place("plain"))
            try place.write(Array("../../plain".utf8), to: "hub/refs/main")
            #expect(try SourcePaths.resolveCache(place("hub")).hasPrefix(place("hub/snapshots/")))
            try place.write([1], to: "file")
            #expect(try SourcePaths.resolveCache(place("file")) == place("file"))
        }
    }
}
