import Diagnostics
import Files
import Support
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite struct FolderTests {
    @Test func entriesAreSortedByBytes() throws {
        let folder = try TemporaryFolder()
        for name in ["b", "ä", "Z", "a", ".hidden"] { try folder.write([1, 2], to: name) }
        try Folder.make(folder("m"))
        #expect(unsafe symlink("nowhere", folder("n")) == 0)
        #expect(unsafe symlink("a", folder("o")) == 0)
        #expect(unsafe mkfifo(folder("p"), 0o600) == 0)
        let entries = try Folder.entries(of: folder.path)
        #expect(entries.map(\.name) == [".hidden", "Z", "a", "b", "m", "n", "o", "p", "ä"])
        #expect(entries.map(\.kind) == [.file, .file, .file, .file, .folder, .link, .file, .other, .file])
        #expect(entries.map(\.size) == [2, 2, 2, 2, 0, 0, 2, 0, 2])
    }

    @Test func whatCannotBeListed() throws {
        let folder = try TemporaryFolder()
        #expect(code { try Folder.entries(of: folder("none")) } == .notFound)
        #expect(code { try Folder.entries(of: folder.write([], to: "file")) } == .notFound)
        #expect(try Folder.kind(of: folder("none")) == nil)
        #if os(Linux)
            let name: [CChar] = folder.path.utf8.map { CChar(bitPattern: $0) } + [47, -1, 0]
            #expect(unsafe close(open(name, O_CREAT | O_WRONLY, 0o600)) == 0)
            #expect(code { try Folder.entries(of: folder.path) } == .badName)
            #expect(unsafe unlink(name) == 0)
        #endif
    }

    @Test func removingFollowsNoLinks() throws {
        let folder = try TemporaryFolder()
        try Folder.make(folder("kept"))
        try folder.write([1], to: "kept/file")
        try Folder.make(folder("gone"))
        #expect(unsafe symlink("../kept", folder("gone/link")) == 0)
        try Folder.remove(folder("gone"))
        try Folder.remove(folder("gone"))
        #expect(try folder.names() == ["kept"])
        #expect(try contents(of: folder("kept/file")) == [1])
    }

    @Test(arguments: [
        ("a/b/c", "a/b", "c"), ("a/b/c//", "a/b", "c"), ("c", ".", "c"), ("/c", "/", "c"), ("/", "/", ""),
        ("", ".", ""), ("a//b", "a", "b"), ("/ä/ö", "/ä", "ö"), ("//", "/", ""),
    ])
    func paths(_ path: String, _ parent: String, _ last: String) {
        #expect(Paths.parent(of: path) == parent)
        #expect(Paths.lastComponent(of: path) == last)
    }

    @Test func joining() {
        #expect(Paths.joined("a", "b") == "a/b")
        #expect(Paths.joined("a/", "b") == "a/b")
        #expect(Paths.joined("", "b") == "b")
        #expect(Paths.joined("a", "/b") == "/b")
    }
}
