import Files
import JSON
import Support
import Testing

/// One test for each damage: it is found, named, and mended or put into the quarantine as `Spec/store.md` says.
@Suite("Damage to a store")
struct StoreDamageTests {
    private struct Place {
        let store: StoreFixture
        let lora: String
        let loha: String

        init(_ place: TemporaryFolder) throws {
            store = try StoreFixture(in: place)
            lora = try store.add("lora-llama", as: "a:v1")
            loha = try #require(
                try store.document(["add", Fixtures.path("loha"), "--name", "b", "--name", "c", "--metadata", "k=v"])[
                    "digest"]?.string)
        }
    }

    /// Damages the object's file in place, which needs the right to write that no object has.
    private func damage(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try contents(of: path)
        change(&bytes)
        try writeFile(bytes, to: path)
    }

    private static let changes: [(code: String, level: String, change: @Sendable (inout [UInt8]) -> Void)] = [
        ("object-size", "catalog", { $0.removeLast(100) }),
        ("object-size", "catalog", { $0 = [] }),
        ("object-size", "catalog", { $0.append(0) }),
        ("object-damaged", "quick", { $0[$0.count / 3] ^= 0x10 }),
        ("object-damaged", "structure", { $0[$0.count - 200] ^= 1 }),
        ("object-damaged", "structure", { $0[0] ^= 0xFF }),
    ]

    @Test(
        "row 95: an object that was cut short or changed is found, goes to the quarantine, and is healed by another add",
        arguments: 0..<changes.count)
    func changed(number: Int) throws {
        let (code, level, change) = Self.changes[number]
        try inFolder { place in
            let it = try Place(place)
            try damage(it.store.object(it.lora), change)
            #expect(try it.store.damage(level: level) == [code])
            #expect(try it.store.damage(level: "bases") == [code])
            let run = try runTool(it.store.words(["get", "a:v1", "-o", place("out.tenon")]))
            #expect(run.status == 65)
            #expect(try !exists(place("out.tenon")))

            #expect(try it.store.codes(["repair"]) == ["object-missing", "object-quarantined"])
            #expect(try Folder.entries(of: it.store("quarantine")).map(\.name) == [it.lora])
            #expect(try it.store.names().count == 3)
            #expect(try it.store.damage(level: "catalog") == ["object-missing"])
            try expectFailure(65, "object-damaged", it.store.words(["get", "a:v1", "-o", place("out.tenon")]))
            try it.store.add("lora-llama", as: "a:v1")
            try it.store.expectSound()
            try it.store.run(["get", "a:v1", "-o", place("out.tenon")])
        }
    }

    @Test("adding the same again heals a damaged object without a repair")
    func healed() throws {
        try inFolder { place in
            let it = try Place(place)
            try damage(it.store.object(it.lora)) { $0[500] ^= 1 }
            let run = try succeed(it.store.words(["add", Fixtures.path("lora-llama"), "--name", "a:v1"]))
            #expect(run.errors.contains("quarantine"))
            try it.store.expectSound()
            #expect(try Folder.entries(of: it.store("quarantine")).map(\.name) == [it.lora])
        }
    }

    @Test("row 95: a missing object is named with its names, keeps gc from removing anything, and can be given up")
    func missing() throws {
        try inFolder { place in
            let it = try Place(place)
            try Folder.remove(it.store.object(it.loha))
            #expect(try it.store.damage(level: "catalog") == ["object-missing"])
            #expect(try runTool(it.store.words(["fsck"])).output.contains("b:latest, c:latest"))
            try expectFailure(65, "object-damaged", it.store.words(["gc", "--grace", "0"]))
            #expect(try it.store.codes(["repair"]) == ["object-missing"])
            #expect(try it.store.codes(["repair", "--drop-names"]) == ["names-dropped"])
            try it.store.expectSound()
            #expect(try it.store.names() == ["a:v1": it.lora])
            try it.store.run(["gc", "--grace", "0"])
        }
    }

    @Test("row 95: an extra object is told of and taken in; what is no object goes to the quarantine")
    func extra() throws {
        try inFolder { place in
            let it = try Place(place)
            let other = try StoreFixture(in: place, named: "other")
            let digest = try other.add("ia3", as: "x")
            let folder = Paths.parent(of: it.store.object(digest))
            if try !exists(folder) { try Folder.make(folder) }
            try writeFile(try contents(of: other.object(digest)), to: it.store.object(digest))
            try writeFile([1, 2, 3], to: it.store("objects/sha256/note"))
            #expect(try it.store.codes(["fsck"], damage: true) == ["stranger"])
            #expect(try it.store.codes(["fsck"], damage: false) == ["object-extra"])
            #expect(try it.store.codes(["repair"]) == ["object-extra", "stranger"])
            try it.store.expectSound()
            #expect(try it.store.document(["show", digest])["names"]?.array?.isEmpty == true)
            #expect(try Folder.entries(of: it.store("quarantine")).map(\.name) == ["note"])
        }
    }

    /// All that is shown of every name, but when it was checked last.
    private func everything(_ store: StoreFixture) throws -> [JSONValue] {
        try store.names().keys.sorted().map { name in
            var shown = try store.document(["show", name]).object ?? JSONObject()
            shown["checked"] = nil
            shown["checkLevel"] = nil
            return .object(shown)
        }
    }

    @Test(
        "row 94: a catalog that is missing or damaged is made anew, with all that was in it",
        arguments: ["missing", "empty", "zeros", "header", "middle", "table", "another's"])
    func catalog(how: String) throws {
        try inFolder { place in
            let it = try Place(place)
            try it.store.run(["tag", "a:v1", "a:v2"])
            try it.store.run(["remove", "c"])
            let before = try everything(it.store)
            let path = it.store("catalog.db")
            switch how {
            case "missing": try Folder.remove(path)
            case "empty": try writeFile([], to: path)
            case "zeros": try damage(path) { $0 = [UInt8](repeating: 0, count: $0.count) }
            case "another's": try damage(path) { $0.replaceSubrange(68..<72, with: [0, 0, 0, 0]) }
            case "header": try damage(path) { $0[3] ^= 1 }
            case "middle":
                try damage(path) { bytes in for index in 4096..<bytes.count { bytes[index] ^= 0x5A } }
            default: try damage(path) { bytes in for index in 100..<200 { bytes[index] = 0 } }
            }
            try expectFailure(65, "catalog-corrupt", it.store.words(["list"]))
            #expect(try it.store.damage() == ["catalog-corrupt"])
            #expect(try it.store.codes(["repair"]).contains("catalog-rebuilt"))
            try it.store.expectSound()
            #expect(try everything(it.store) == before)
            try it.store.add("ia3", as: "new")
            try it.store.expectSound()
        }
    }

    @Test("a catalog that is older than the reflog is refused, and made anew")
    func staleCatalog() throws {
        try inFolder { place in
            let it = try Place(place)
            let old = try contents(of: it.store("catalog.db"))
            let ia3 = try it.store.add("ia3", as: "new")
            try it.store.run(["remove", "b"])
            try writeFile(old, to: it.store("catalog.db"))
            try expectFailure(65, "catalog-corrupt", it.store.words(["list"]))
            #expect(try it.store.codes(["repair"]) == ["catalog-rebuilt"])
            try it.store.expectSound()
            #expect(try it.store.names() == ["a:v1": it.lora, "c:latest": it.loha, "new:latest": ia3])
        }
    }

    @Test("row 94: a catalog of a newer version is refused, and nothing is touched")
    func newerCatalog() throws {
        try inFolder { place in
            let it = try Place(place)
            // The user version lies at offset 60 of the header, in four bytes.
            try damage(it.store("catalog.db")) { $0[63] = 2 }
            try expectFailure(65, "catalog-too-new", it.store.words(["list"]))
            let objects = try contents(of: it.store.object(it.lora))
            for words in [
                ["repair"], ["fsck"], ["gc"], ["remove", "b"], ["add", Fixtures.path("ia3"), "--name", "x"],
            ] {
                try expectFailure(65, "catalog-too-new", it.store.words(words))
            }
            #expect(try contents(of: it.store.object(it.lora)) == objects)
            #expect(try Folder.entries(of: it.store("quarantine")).isEmpty)
        }
    }

    @Test(
        "a reflog that is missing or damaged is written anew; one that was cut short goes on",
        arguments: ["missing", "damaged", "cut"])
    func reflog(how: String) throws {
        try inFolder { place in
            let it = try Place(place)
            let before = try everything(it.store)
            let path = it.store("reflog")
            switch how {
            case "missing": try Folder.remove(path)
            case "damaged": try damage(path) { $0[30] ^= 1 }
            default: try damage(path) { $0 += Array("0123456789abcdef {\"gener".utf8) }
            }
            let expected = how == "missing" ? ["reflog-missing"] : how == "damaged" ? ["reflog-damaged"] : []
            #expect(try it.store.damage() == expected)
            if how != "cut" { #expect(try it.store.codes(["repair"]) == ["reflog-rewritten"]) }
            try it.store.add("ia3", as: "new")
            try it.store.run(["remove", "new"])
            try it.store.expectSound()
            try Folder.remove(it.store("catalog.db"))
            try it.store.run(["repair"])
            #expect(try everything(it.store) == before)
        }
    }

    @Test("scrubbing begins with what was not checked for longest, and notes what it finds")
    func scrub() throws {
        try inFolder { place in
            let it = try Place(place)
            #expect(try it.store.document(["scrub"])["objects"]?.int == 2)
            #expect(try it.store.document(["scrub", "--max-duration", "0s"])["objects"]?.int == 0)
            try damage(it.store.object(it.loha)) { $0[$0.count / 3] ^= 1 }
            #expect(try it.store.codes(["scrub"]) == ["object-damaged"])
            #expect(try it.store.document(["show", "b"])["state"]?.string == "damaged")
            #expect(try it.store.damage(level: "catalog") == ["object-damaged"])
            try expectFailure(65, "object-damaged", it.store.words(["get", "b", "-o", place("x")]))
            try it.store.add("loha", as: "b")
            try it.store.expectSound()
        }
    }
}
