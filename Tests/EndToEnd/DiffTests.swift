import Adapters
import DeltaFormat
import Files
import Interchange
import JSON
import Parallelism
import Support
import Testing

@Suite("diff")
struct DiffTests {
    private static let name = "model.layers.0.mlp.up_proj.weight"

    /// Two models of a few tensors: one changed, one equal, one of another type, one of another shape, one of integers,
    /// one added and one removed.
    private func models() -> (base: TinyModel, other: TinyModel) {
        var random = RepeatableRandom(seed: 21)
        var base = TinyModel()
        base[Self.name] = .floats((0..<70_000).map { _ in Float.random(in: -1...1, using: &random) }, [700, 100])
        base.add("equal", "BF16", [3, 5], &random)
        base.add("narrow", "F32", [9], &random)
        base.add("shape", "F32", [4, 6], &random)
        base.add("codes", "U8", [64], &random)
        base.add("empty", "F32", [0, 4], &random)
        var other = base
        base.add("gone", "F32", [2], &random)
        other.add("new", "F32", [2], &random)
        let values = base[Self.name]?.floats ?? []
        other[Self.name] = .floats(
            values.enumerated().map { $0 % 4 == 0 ? $1 : $1 + Float.random(in: -0.1...0.1, using: &random) },
            [700, 100])
        other["shape"] = .random("F32", [6, 4], &random)
        other["narrow"] = .random("BF16", [9], &random)
        other["codes"]?.bytes[3] ^= 1
        return (base, other)
    }

    private func written(_ models: (base: TinyModel, other: TinyModel), in place: TemporaryFolder) throws -> [String] {
        try models.base.write(to: place("a"))
        try models.other.write(to: place("b"))
        return [place("a"), place("b")]
    }

    @Test("figures are those of plain formulas, whatever the threads")
    func figures() throws {
        try inFolder { place in
            let models = models()
            let paths = try written(models, in: place)
            let run = try runTool(["diff"] + paths + ["--json", "--threads", "1"])
            #expect(run.status == 1 && run.errors == "")
            let again = try runTool(["diff"] + paths + ["--json", "--threads", "3"])
            #expect(run.output == again.output)
            let document = try document(run)
            #expect(document["equal"]?.bool == false && document["compared"]?.string == "checkpoints")
            let tensors = try #require(document["tensors"]?.array)
            let statuses = Dictionary(
                uniqueKeysWithValues: tensors.map { ($0["name"]?.string ?? "", $0["status"]?.string ?? "") })
            #expect(
                statuses == [
                    Self.name: "changed", "equal": "equal", "narrow": "dtype", "shape": "reshaped",
                    "codes": "changed", "empty": "equal", "gone": "removed", "new": "added",
                ])
            let tensor = try #require(tensors.first { $0["name"]?.string == Self.name })
            let w = (models.base[Self.name]?.floats ?? []).map { Double($0) }
            let t = (models.other[Self.name]?.floats ?? []).map { Double($0) }
            let d = zip(t, w).map { $0 - $1 }
            func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
            func near(_ key: String, _ wanted: Double) -> Bool {
                (tensor[key]?.double).map { ($0 - wanted).magnitude <= 1e-12 * max(1, wanted.magnitude) } ?? false
            }
            #expect(near("relativeChange", (dot(d, d) / dot(w, w)).squareRoot()))
            #expect(near("cosine", dot(w, t) / (dot(w, w) * dot(t, t)).squareRoot()))
            #expect(near("largestChange", d.map(\.magnitude).max() ?? 0))
            #expect(near("changedShare", Double(d.count { $0 != 0 }) / Double(d.count)))
            #expect(near("signAgreement", Double(zip(w, t).count { ($0 > 0) == ($1 > 0) }) / Double(d.count)))
            let loss = try #require(tensor["roundingLoss"]?.double)
            #expect(loss > 0.001 && loss < 0.2 && tensor["unusable"]?.int == 0)
        }
    }

    @Test("what is the same exits 0, in whatever shards")
    func same() throws {
        try inFolder { place in
            var (base, _) = models()
            try base.write(to: place("a"))
            base.shards = 3
            base.reverse()
            try base.write(to: place("b"))
            let text = try succeed(["diff", place("a"), place("b")])
            #expect(text.output == "the same: 7 tensors\n")
            let run = try document(try succeed(["diff", place("a"), place("b"), "--json"]))
            #expect(run["equal"]?.bool == true && run["relativeChange"]?.double == 0 && run["cosine"]?.double == 1)
        }
    }

    @Test("--max-change lets numbers change, and nothing else")
    func gate() throws {
        try inFolder { place in
            var random = RepeatableRandom(seed: 5)
            var base = TinyModel()
            base[Self.name] = .floats([3, 4, 0], [3])
            base.add("codes", "U8", [4], &random)
            var other = base
            other[Self.name] = .floats([3, 4, 0.5], [3])
            let paths = try written((base, other), in: place)
            #expect(try runTool(["diff"] + paths).status == 1)
            #expect(try runTool(["diff"] + paths + ["--max-change", "0.1"]).status == 0)
            let above = try runTool(["diff"] + paths + ["--max-change", "0.0999"])
            #expect(above.status == 1 && above.output.contains("not within --max-change: the relative change is 0.100"))
            let json = try document(try runTool(["diff"] + paths + ["--max-change", "0.0999", "--json"]))
            #expect(json["within"]?.bool == false && json["reason"]?.string?.contains("0.0999") == true)
            let quiet = try runTool(["diff"] + paths + ["--quiet"])
            #expect(quiet.status == 1 && quiet.output.split(separator: "\n").count == 2)
            other["codes"]?.bytes[0] ^= 1
            try other.write(to: place("c"))
            let structure = try runTool(["diff", paths[0], place("c"), "--max-change", "1"])
            #expect(structure.status == 1 && structure.output.contains("codes: changed, which is no change of numbers"))
        }
    }

    @Test("infinities and NaN are counted and nothing more; a base of zeros has no cosine")
    func unusable() throws {
        try inFolder { place in
            var (base, other) = (TinyModel(), TinyModel())
            base["x.weight"] = .floats([1, .nan, 2, .infinity], [2, 2])
            other["x.weight"] = .floats([1, 5, 3, .infinity], [2, 2])
            base["zero"] = .floats([0, 0], [2])
            other["zero"] = .floats([0, 1], [2])
            let paths = try written((base, other), in: place)
            let run = try runTool(["diff"] + paths + ["--json", "--spectrum"])
            #expect(run.status == 1)
            let tensors = try #require(try document(run)["tensors"]?.array)
            #expect(tensors[0]["name"]?.string == "zero" && tensors[0]["relativeChange"]?.isNull == true)
            #expect(tensors[0]["cosine"]?.isNull == true && tensors[0]["changedShare"]?.double == 0.5)
            let change = try #require(tensors[1]["relativeChange"]?.double)
            #expect(tensors[1]["unusable"]?.int == 2 && (change - (1 / 5.0.squareRoot())).magnitude < 1e-12)
            #expect(tensors[1]["effectiveRank"]?.isNull == true)
            #expect(try runTool(["diff"] + paths + ["--max-change", "100"]).status == 1)
        }
    }

    @Test("spectra of planted changes")
    func spectra() throws {
        try inFolder { place in
            var random = RepeatableRandom(seed: 3)
            let base = (0..<40 * 30).map { _ in Float.random(in: -1...1, using: &random) }
            var tuned = base
            // Two outer products of unit vectors, of 2 and 1.
            tuned[0] += 2
            tuned[31] += 1
            var models = (base: TinyModel(), other: TinyModel())
            models.base["w"] = .floats(base, [40, 30])
            models.other["w"] = .floats(tuned, [40, 30])
            let run = try runTool(["diff"] + written(models, in: place) + ["--spectrum", "--json"])
            let tensor = try #require(try document(run)["tensors"]?.array?.first)
            let rank = try #require(tensor["effectiveRank"]?.double)
            #expect((rank - 1.25).magnitude < 1e-5)
            #expect(tensor["spectrum"]?["energyRanks"]?.array?.compactMap(\.int) == [1, 2, 2, 2])
            let text = try runTool(["diff", place("a"), place("b"), "--spectrum"])
            #expect(text.output.contains(" 1 2 2 2 "))
        }
    }

    @Test("adapters: the same as itself in either form, other than another, and all of several")
    func adapters() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            let folder = Fixtures.path("lora-llama")
            #expect(try runTool(["diff", container, folder]).status == 0)
            let other = Fixtures.path("lora-readme")
            #expect(try runTool(["diff", folder, other]).status == 1)
            let all = try document(try succeed(["diff", folder, container, other, "--json"]))
            let cosines = try #require(all["cosines"]?.array)
            #expect(cosines.count == 3 && (cosines[0].array?[1].double).map { $0 > 0.999999 } == true)
            #expect(try succeed(["diff", folder, container, other]).output.contains("1.000"))
        }
    }

    @Test("modules that only one adapter has are told, and count as changes from or to nothing")
    func partners() throws {
        try inFolder { place in
            for (name, modules) in [("a", 1), ("b", 3)] {
                try SyntheticAdapter.make(at: place(name), byteCount: modules << 12, tensorBytes: 1 << 11, rank: 4)
            }
            let run = try runTool(["diff", place("a"), place("b")])
            #expect(run.status == 1 && run.output.contains("added: 2 modules only in \(place("b"))\n"), "\(run.output)")
            let back = try runTool(["diff", place("b"), place("a"), "--json"])
            let tensors = try #require(try document(back)["tensors"]?.array?.prefix(2))
            #expect(tensors.allSatisfy { $0["status"]?.string == "removed" && $0["relativeChange"]?.double == 1 })
            let norms = try #require(try document(back)["norms"]?.array?.compactMap(\.double))
            #expect(norms[0] > norms[1] && norms[1] > 0)
        }
    }

    @Test("an adapter beside the checkpoint that it makes is near, and beside another it is not")
    func changes() throws {
        try inFolder { place in
            let folder = Fixtures.path("lora-llama")
            let base = Models.path("llama")
            try succeed(["apply", folder, "--base", base, "-o", place("merged"), "--base-check", "shapes"])
            let run = try runTool(["diff", folder, place("merged"), "--base", base, "--json"])
            let near = try document(run)
            #expect(near["compared"]?.string == "changes")
            #expect((near["relativeChange"]?.double).map { $0 < 1e-4 } == true)
            #expect((near["cosine"]?.double).map { $0 > 0.9999 } == true)
            let far = try document(try runTool(["diff", folder, base, "--base", base, "--json"]))
            #expect(far["relativeChange"]?.isNull == true && far["cosine"]?.isNull == true)
        }
    }

    @Test("a page holds every tensor and fits in a megabyte")
    func page() throws {
        try inFolder { place in
            var models = models()
            let hostile = "model.layers.1.<script>alert(1)</script>.weight"
            models.base[hostile] = .floats([1, 2], [2])
            models.other[hostile] = .floats([1, 3], [2])
            let paths = try written(models, in: place)
            let page = place("page.html")
            #expect(try runTool(["diff"] + paths + ["--html", page, "--spectrum"]).status == 1)
            let html = String(decoding: try contents(of: page), as: UTF8.self)
            #expect(html.utf8.count < 1 << 20 && html.split(separator: "data-t=").count == 10)
            #expect(!html.contains("<script>alert") && html.contains("&lt;script&gt;alert"))
            try expectFailure(73, "output-exists", ["diff"] + paths + ["--html", page])
            #expect(try runTool(["diff"] + paths + ["--html", page, "--force"]).status == 1)
        }
    }

    @Test("what cannot be compared is a usage error")
    func usage() throws {
        try inFolder { place in
            let folder = Fixtures.path("lora-llama")
            let base = Models.path("llama")
            try expectFailure(64, "usage", ["diff", folder])
            try expectFailure(64, "usage", ["diff", folder, base])
            try expectFailure(64, "usage", ["diff", base, folder, "--base", base])
            try expectFailure(64, "usage", ["diff", base, base, "--base", base])
            try expectFailure(64, "usage", ["diff", folder, folder, base])
            try expectFailure(64, "usage", ["diff", folder, folder, folder, "--max-change", "1"])
            try expectFailure(64, "usage", ["diff", base, base, "--max-change", "-1"])
            try expectFailure(66, "not-found", ["diff", base, place("nothing")])
        }
    }

    private func inspected(_ container: String) throws -> JSONValue {
        try document(try succeed(["inspect", container, "--json"]))
    }

    @Test("inspect shows where an adapter comes from")
    func lineage() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            #expect(try inspected(container)["lineage"]?.isNull == true)
            #expect(!(try succeed(["inspect", container]).output.contains("lineage")))
            var adapter = try PEFTFolder.read(Fixtures.path("lora-llama")).adapter
            adapter.metadata["lineage"] = """
                {"tool":"t 1","recipe":{"verb":"merge","merge-method":"ties"},"parents":[{"content":"aa","name":"a.tenon",\
                "lineage":{"tool":"t 0","recipe":{"verb":"train"},"parents":[]}},{"content":"bb","name":"\\u001b[31m"}]}
                """
            let file = try OutputFile.create(at: place("merged.tenon"), replacing: false, durability: .none)
            _ = try ContainerWriter(compression: .fast, lanes: Lanes(count: 1)).write(adapter, to: file)
            try file.commit()
            let text = try succeed(["inspect", place("merged.tenon")]).output
            #expect(
                text.contains(
                    "lineage:        merge merge-method=ties (t 1)\n  aa  a.tenon: train (t 0)\n  bb  \\u{1b}[31m\n"))
            let read = try inspected(place("merged.tenon"))
            #expect(read["lineage"]?["parents"]?.array?.count == 2)
        }
    }
}
