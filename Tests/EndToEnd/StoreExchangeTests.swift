import Files
import JSON
import Support
import Testing

/// Export as an OCI image layout, and import of one.
@Suite("Exchange between stores")
struct StoreExchangeTests {
    /// The files of a layout's folder, by their paths in it.
    private func files(_ folder: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in ["index.json", "oci-layout"] { files[name] = try contents(of: Paths.joined(folder, name)) }
        for entry in try Folder.entries(of: Paths.joined(folder, "blobs/sha256")) {
            files["blobs/sha256/" + entry.name] = try contents(of: Paths.joined(folder, "blobs/sha256/" + entry.name))
        }
        #expect(try Folder.entries(of: folder).map(\.name) == ["blobs", "index.json", "oci-layout"])
        return files
    }

    private func refNames(_ folder: String) throws -> [String?] {
        let index = try JSONValue.parse(contents(of: Paths.joined(folder, "index.json")))
        return (index["manifests"]?.array ?? []).map {
            $0["annotations"]?["org.opencontainers.image.ref.name"]?.string
        }
    }

    @Test("adapters go over with names, metadata and what went in", arguments: ["layout", "layout.tar"])
    func adapters(output: String) throws {
        try inFolder { place in
            let one = try StoreFixture(in: place, named: "one")
            let lora = try one.add("lora-llama", as: "team/support-bot:v3")
            try one.run(["add", Fixtures.path("loha"), "--name", "b", "--name", "a:v1", "--metadata", "owner=me"])
            try one.run(["tag", "b", "not-exported"])
            let report = try one.document(["export", "b", "a:v1", lora, "-o", place(output)])
            #expect(report["objects"]?.array?.count == 2)

            let other = try StoreFixture(in: place, named: "other")
            let imported = try other.document(["import", place(output), "--name-prefix", "theirs/"])
            #expect(imported["objects"]?.array?.allSatisfy { $0["isNew"]?.bool == true } == true)
            let names = try one.names()
            #expect(
                try other.names() == [
                    "theirs/a:v1": names["a:v1"], "theirs/b:latest": names["b:latest"],
                    "theirs/team/support-bot:v3": lora,
                ])
            try other.expectSound(level: "bases")
            let (shown, before) = (try other.document(["show", "theirs/b"]), try one.document(["show", "b"]))
            for key in ["digest", "contentDigest", "origin", "inputBytes", "metadata", "rank", "storedBytes"] {
                #expect(shown[key] == before[key], "\(key)")
            }
            #expect(shown["blobDigest"] == before["blobDigest"] && shown["blobDigest"]?.string != nil)
            try other.run(["get", "theirs/b", "-o", place("back")])
            try expectSameFiles(Fixtures.path("loha"), place("back"))
            #expect(try contents(of: other.object(lora)) == contents(of: one.object(lora)))

            // Names survive the loss of the catalog there, too.
            try Folder.remove(other("catalog.db"))
            try other.run(["repair"])
            #expect(try other.names()["theirs/team/support-bot:v3"] == lora)
            #expect(try other.document(["show", "theirs/b"])["metadata"]?["owner"]?.string == "me")
            #expect(try other.document(["show", "theirs/b"])["origin"]?.string == "peft")
        }
    }

    @Test("the same objects under the same names make the same bytes, from whichever store")
    func deterministic() throws {
        try inFolder { place in
            let one = try StoreFixture(in: place, named: "one")
            try one.add("lora-llama", as: "b:v1")
            try one.run(["add", Fixtures.path("loha"), "--name", "a", "--metadata", "z=1", "--metadata", "c=2"])
            try one.run(["export", "--all", "-o", place("first")])
            try one.run(["export", "a", "b:v1", "-o", place("second")])
            let first = try files(place("first"))
            #expect(try files(place("second")) == first)
            #expect(first.count == 2 + 6)
            #expect(try refNames(place("first")) == ["a:latest", "b:v1"])
            let other = try StoreFixture(in: place, named: "other")
            try other.run(["import", place("first")])
            try other.run(["export", "--all", "-o", place("third")])
            #expect(try files(place("third")) == first)
            try one.run(["export", "--all", "-o", place("x.tar")])
            try other.run(["export", "--all", "-o", place("y.tar"), "--threads", "1"])
            #expect(try contents(of: place("x.tar")) == contents(of: place("y.tar")))
            #expect(try TarFixture(first).ended.count == contents(of: place("x.tar")).count)

            let dated = { (time: String) in
                try runTool(
                    one.words(["export", "a", "-o", place("dated"), "--force"]),
                    environment: ["SOURCE_DATE_EPOCH": time])
            }
            #expect(try dated("951782400").status == 0)
            let manifests = try files(place("dated")).values.map { String(decoding: $0, as: UTF8.self) }
            #expect(manifests.contains { $0.contains(#""org.opencontainers.image.created":"2000-02-29T00:00:00Z""#) })
            #expect(try dated("soon").status == 64)
        }
    }

    @Test("what deltas are made on goes along, unless it is left out")
    func checkpoints() throws {
        try inFolder { place in
            try SyntheticModel.make(at: place("base"), tensorBytes: 40_000)
            try SyntheticModel.make(at: place("tuned"), tensorBytes: 40_000, changing: 400)
            try SyntheticModel.make(at: place("resharded"), tensorBytes: 40_000, shards: 2, changing: 400)
            let one = try StoreFixture(in: place, named: "one")
            for name in ["base", "tuned", "resharded"] { try one.run(["add", place(name), "--name", name]) }
            // A delta on a delta on a snapshot.
            let report = try one.document(["export", "resharded", "-o", place("layout")])
            #expect(report["objects"]?.array?.count { $0["isBase"]?.bool == true } == 2)
            #expect(try refNames(place("layout")) == ["resharded:latest", nil, nil])
            let other = try StoreFixture(in: place, named: "other")
            try other.run(["import", place("layout")])
            try other.expectSound(level: "bases")
            try other.run(["gc", "--grace", "0"])
            try other.run(["get", "resharded", "-o", place("back")])
            try expectSameFiles(place("resharded"), place("back"))

            try one.run(["export", "tuned", "--no-bases", "-o", place("alone")])
            let third = try StoreFixture(in: place, named: "third")
            let run = try third.run(["import", place("alone")])
            #expect(run.errors.contains("which is not in the store"))
            try third.expectSound()
            #expect(try third.codes(["fsck", "--level", "bases"]) == ["base-missing"])
            try expectFailure(66, "not-found", third.words(["export", "tuned", "-o", place("none")]))
            try third.run(["add", place("base"), "--name", "base"])
            try third.run(["get", "tuned", "-o", place("again")])
            try expectSameFiles(place("tuned"), place("again"))
            #expect(try !exists(place("none")))
        }
    }

    @Test("names that stand for something else, and what was said of an object, give way only when asked")
    func conflicts() throws {
        try inFolder { place in
            let one = try StoreFixture(in: place, named: "one")
            let digest = try one.add("loha", as: "a")
            try one.run(["add", Fixtures.path("loha"), "--metadata", "owner=me", "--metadata", "k=v"])
            try one.run(["export", "a", "-o", place("layout")])
            let other = try StoreFixture(in: place, named: "other")
            let ia3 = try other.add("ia3", as: "a")
            try other.run(["add", Fixtures.path("loha"), "--name", "mine", "--metadata", "owner=you"])
            for more in [[], ["--dry-run"]] {
                try expectFailure(73, "output-exists", other.words(["import", place("layout")] + more))
            }
            #expect(try other.names() == ["a:latest": ia3, "mine:latest": digest])
            try other.run(["import", place("layout"), "--name-prefix", "x/"])
            var metadata = try other.document(["show", "x/a"])["metadata"]
            #expect(metadata?["owner"]?.string == "you" && metadata?["k"]?.string == "v")
            let planned = try other.document(["import", place("layout"), "--force", "--dry-run"])
            #expect(planned["objects"]?.array?.first?["isNew"]?.bool == false)
            #expect(try other.names()["a:latest"] == ia3)
            try other.run(["import", place("layout"), "--force"])
            #expect(try other.names()["a:latest"] == digest)
            metadata = try other.document(["show", "a"])["metadata"]
            #expect(metadata?["owner"]?.string == "me")
            try other.expectSound()
            try expectFailure(65, "import-rejected", other.words(["import", place("layout"), "--name-prefix", "../"]))
            try expectFailure(66, "not-found", other.words(["import", place("nowhere")]))
        }
    }

    @Test("an output appears whole or not at all, and never within the store")
    func outputs() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let digest = try store.add("loha", as: "a")
            try place.write([1], to: "there")
            try expectFailure(73, "output-exists", store.words(["export", "a", "-o", place("there")]))
            try expectFailure(73, "cannot-create", store.words(["export", "a", "-o", store("layout")]))
            try expectFailure(73, "cannot-create", store.words(["export", "a", "-o", store("tmp/x.tar")]))
            try expectFailure(64, "usage", store.words(["export", "a", "-o", place.path, "--force"]))
            #expect(try runTool(store.words(["export", "a", "-o", "-"])).status == 64)
            try expectFailure(64, "usage", store.words(["export", "-o", place("layout")]))
            try expectFailure(64, "usage", store.words(["export", "a", "--all", "-o", place("layout")]))
            try expectFailure(66, "not-found", store.words(["export", "b", "-o", place("layout")]))
            try store.run(["export", "a", "-o", place("layout"), "--dry-run"])
            #expect(try place.names() == ["store", "there"])

            // With the digest of the file known, and without.
            for isKnown in [false, true] {
                if isKnown { try store.run(["export", "a", "-o", place("good")]) }
                var bytes = try contents(of: store.object(digest))
                bytes[500] ^= 1
                try writeFile(bytes, to: store.object(digest))
                for output in ["layout", "layout.tar"] {
                    let run = try runTool(store.words(["export", "a", "-o", place(output)]))
                    #expect(run.status == 65, "\(run.errors)")
                }
                bytes[500] ^= 1
                try writeFile(bytes, to: store.object(digest))
            }
            #expect(try place.names() == ["good", "store", "there"])
        }
    }

    @Test(
        "tars of other tools are read, as GNU's writes them and as POSIX has them", arguments: ["gnu", "pax", "ustar"])
    func otherTars(format: String) throws {
        try inFolder { place in
            let one = try StoreFixture(in: place, named: "one")
            let digest = try one.add("loha", as: "a")
            try one.run(["export", "a", "-o", place("layout")])
            let run = try runShell("tar --format=\(format) -C layout -cf made.tar .", in: place.path)
            guard run.status == 0 else { return }
            let other = try StoreFixture(in: place, named: "other")
            try other.run(["import", place("made.tar")])
            #expect(try other.names() == ["a:latest": digest])
        }
    }
}
